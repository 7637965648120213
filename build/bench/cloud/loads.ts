import type { Goal, Row } from '../report.ts'
import { judge } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { type Asker, type Load, load } from './load.ts'

/** Of one side: where it answers, and who asks. New askers for each round. */
export interface Side {
  port: number
  askers(): Asker[]
}

/** Rounds of load on both sides in turn, as three rows: requests/s, p50 and p99. */
export async function loads(
  what: string,
  { quick, ours, reference, goal }: { quick: boolean; ours: Side; reference?: Side; goal?: Goal },
): Promise<Row[]> {
  const forMs = quick ? 1_000 : 4_000
  const ask = (side: Side) => () => load(side.port, side.askers(), forMs)
  // Until the compiler has seen it all, both sides are slower than they stay.
  await ask(ours)()
  if (reference) await ask(reference)()
  const results = await interleave(quick ? 3 : 9, ask(ours), reference && ask(reference))
  const row = (name: string, unit: string, figure: (side: Load) => number, judged: Goal | null) =>
    judge(`${what}: ${name}`, unit, figures(results, figure), judged)
  return [
    row('in all', 'requests/s', ({ perSecond }) => perSecond, goal ?? null),
    row('p50', 'ms', ({ p50 }) => p50, null),
    row('p99', 'ms', ({ p99 }) => p99, null),
  ]
}
