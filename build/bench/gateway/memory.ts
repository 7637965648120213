import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadResult } from '../../../cloud/server/testing/stream-load.ts'
import { residentMb } from '../fusion.ts'
import { judge, type Row } from '../report.ts'
import { median } from '../statistics.ts'
import { ledgerOf, ledgerRows } from './ledger.ts'
import type { GatewaySetting } from './setting.ts'

const REQUESTS = 1_000_000
/** Asked before memory is looked at. */
const BATCH = 20_000
const order = { streams: 64, shape: { tokens: 8, firstMs: 1, betweenMs: 1 }, leftShare: 0.3 }

/**
 * A million answers, 30 % of which are left before their end: what the cloud's process holds on to, and whether the ledger has every token.
 * `seconds`: so many answers as fit into it.
 */
export async function memory(setting: GatewaySetting, seconds = Infinity): Promise<Row[]> {
  const until = performance.now() + seconds * 1000
  const sizes: number[] = []
  const heaps: number[] = []
  const left: LoadResult['left'] = { held: { requests: 0, completionTokens: 0 }, torn: { requests: 0, completionTokens: 0 } }
  let asked = 0
  while (asked < REQUESTS && performance.now() < until) {
    const result = await setting.ask(setting.cloud.port, { ...order, requests: Math.min(BATCH, REQUESTS - asked) })
    asked += result.requests
    for (const model of ['held', 'torn'] as const) {
      left[model].requests += result.left[model].requests
      left[model].completionTokens += result.left[model].completionTokens
    }
    sizes.push(await settled(setting.cloud.pid))
    heaps.push(await heapMb(setting.cloud.port))
    process.stderr.write(`${asked} requests: ${sizes.at(-1)!.toFixed(1)} MB, heap ${heaps.at(-1)!.toFixed(1)} MB\n`)
  }
  const quarter = Math.max(1, Math.floor(sizes.length / 4))
  const flat = (what: string, of: number[]) =>
    judge(
      `${asked.toLocaleString('en-US')} requests, 30 % of them left: ${what} in the last quarter (reference: the second)`,
      'MB',
      [{ ours: median(of.slice(-quarter)), reference: median(of.slice(quarter, 2 * quarter)) }],
      { of: 'ratio', sense: 'at most', value: 1.05 },
    )
  return [
    flat('resident memory', sizes),
    flat('what is reachable', heaps),
    ...ledgerRows(await ledgerOf(setting), await setting.counts(), left),
  ]
}

/** Resident memory of the server when it has collected its garbage, in MB. */
async function settled(pid: number): Promise<number> {
  for (let time = 0; time < 2; time++) {
    process.kill(pid, 'SIGUSR2')
    // Freed pages go back to the system in the background.
    await sleep(750)
  }
  return residentMb(pid) ?? Number.NaN
}

/** What the server's heap holds, collected a moment ago, in MB: resident memory has gaps between as well. */
async function heapMb(port: number): Promise<number> {
  const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(figures)?.[1]) / 2 ** 20
}
