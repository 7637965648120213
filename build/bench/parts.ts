import { type Row, unmeasured } from './report.ts'

export interface BenchOptions {
  /** Fewer rounds and shorter texts. */
  quick: boolean
  /** Names of parts; empty: all. */
  only: string[]
  /** Parts that go on for long end after so long; undefined: when they are done. */
  seconds?: number | undefined
  /** Gets each part's rows as soon as they are measured. */
  tell: (rows: Row[]) => void
}

/** Runs the parts of a bench one after another. One that fails is named, and the others go on. */
export async function runParts<S>(
  parts: Record<string, (setting: S) => Promise<Row[]>>,
  setting: S,
  { only, tell }: BenchOptions,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, part] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue
    const measured = await part(setting).catch((error: unknown) => {
      process.stderr.write(`${name} could not be measured: ${error instanceof Error ? error.message : String(error)}\n`)
      return [unmeasured(name)]
    })
    tell(measured)
    rows.push(...measured)
  }
  return rows
}
