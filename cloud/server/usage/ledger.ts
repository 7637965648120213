// Rows of the usage ledger on their way to the database. Nobody waits for it: while it is away they are kept here, and written when it is back.
import { addUsage, type UsageRow } from '../../database/usage.ts'
import type { Database } from '../../database/connection.ts'

export interface LedgerOptions {
  database: Pick<Database, 'asUser'>
  /** Told how many rows are lost: there were too many, the database takes them never (`code` is its own), or the server ended without it. */
  onLost: (rows: number, code?: string) => void
  /** Told once for each time that the database is away. */
  onAway?: () => void
  /** Rows that are kept, at most. */
  most?: number
}

export type Ledger = ReturnType<typeof createLedger>

/** An answer each second for three hours. */
const MOST = 10_000
/** In one transaction, of one person. */
const BATCH = 200
const AGAIN_MS = 1_000
/** The server waits so long for the database at its end. */
const LAST_MS = 5_000

export function createLedger({ database, onLost, onAway = () => {}, most = MOST }: LedgerOptions) {
  let waiting: UsageRow[] = []
  let writing: Promise<void> | undefined
  let away = false
  let closing = false
  const hurry = new AbortController()

  async function write(): Promise<void> {
    while (waiting.length > 0 && !hurry.signal.aborted) {
      const { userId } = waiting[0]!
      const rows = waiting.filter(row => row.userId === userId).slice(0, BATCH)
      try {
        await put(rows)
        away = false
        remove(rows)
      } catch {
        if (!away) onAway()
        away = true
        await pause(closing ? AGAIN_MS / 10 : AGAIN_MS, hurry.signal)
      }
    }
  }

  /** Where the database will never take one of them, the others are written without it. */
  async function put(rows: readonly UsageRow[]): Promise<void> {
    try {
      await database.asUser(rows[0]!.userId, tx => addUsage(tx, rows))
    } catch (error) {
      if (!isOfTheRows(error)) throw error
      if (rows.length === 1) onLost(1, codeOf(error))
      else for (const row of rows) await put([row])
    }
  }

  function remove(rows: readonly UsageRow[]): void {
    const gone = new Set(rows)
    waiting = waiting.filter(row => !gone.has(row))
  }

  function go(): void {
    writing ??= write().finally(() => {
      writing = undefined
      // One that came while the loop was ending.
      if (waiting.length > 0 && !hurry.signal.aborted) go()
    })
  }

  return {
    /** Never throws, and never waits. The row may be told again: it is written once. */
    add(row: UsageRow): void {
      waiting.push(row)
      if (waiting.length > most) {
        waiting.shift()
        onLost(1)
      }
      go()
    },
    waiting: () => waiting.length,
    /** Writes what there is; what the database does not take within some seconds is lost, and told. */
    async close(): Promise<void> {
      closing = true
      const tooLong = setTimeout(() => hurry.abort(), LAST_MS)
      for (let current = writing; current && !hurry.signal.aborted; current = writing) await Promise.race([current, aborted(hurry.signal)])
      clearTimeout(tooLong)
      hurry.abort()
      if (waiting.length > 0) onLost(waiting.length)
    },
  }
}

/** Postgres refuses these values themselves (classes 22 and 23): they would be refused again. */
function isOfTheRows(error: unknown): boolean {
  return error instanceof Error && /^2[23]/.test(codeOf(error))
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''

const aborted = (signal: AbortSignal) => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}
