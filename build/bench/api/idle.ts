import { setTimeout as pause } from 'node:timers/promises'
import { busyMsOfFamily } from '../computing.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { ApiSetting } from './setting.ts'

/** CPU time of the engine and its inference process while nobody asks, the model loaded. */
export async function idle({ fusion, quick }: ApiSetting): Promise<Row[]> {
  const seconds = quick ? 5 : 20
  async function watch(): Promise<number> {
    const before = busyMsOfFamily(fusion.pid)
    await pause(seconds * 1000)
    return ((busyMsOfFamily(fusion.pid) - before) / (seconds * 1000)) * 100
  }
  // What an answer leaves behind (a state to save) is done by then.
  await pause(3_000)
  const results = await interleave(quick ? 1 : 3, watch, undefined)
  return [
    judge(
      'Idle server, model loaded: use of one core',
      '%',
      figures(results, percent => percent),
      { of: 'ours', sense: 'at most', value: 0.2 },
    ),
  ]
}
