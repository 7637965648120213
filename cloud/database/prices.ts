import type { Database } from './connection.ts'

export interface Price {
  model: string
  /** Of a million tokens, in the operator's currency. */
  prompt: number
  completion: number
}

/** The version of each of these prices: the newest one where it is the same, or a new one. Several servers that start at once make one. */
export async function keepPrices(database: Database, prices: readonly Price[]): Promise<Map<string, Price & { version: number }>> {
  return database.transaction(async tx => {
    await tx.query('select pg_advisory_xact_lock(4320004)')
    const kept = new Map<string, Price & { version: number }>()
    for (const { model, prompt, completion } of prices) {
      const [known] = await tx.query<Price & { version: number }>(
        'select version, model, prompt, completion from prices where model = $1 order by version desc limit 1',
        [model],
      )
      if (known?.prompt === prompt && known.completion === completion) {
        kept.set(model, known)
        continue
      }
      const [made] = await tx.query<Price & { version: number }>(
        'insert into prices (model, prompt, completion) values ($1, $2, $3) returning version, model, prompt, completion',
        [model, prompt, completion],
      )
      kept.set(model, made!)
    }
    return kept
  })
}
