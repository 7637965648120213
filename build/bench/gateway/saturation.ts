import { judge, type Row } from '../report.ts'
import { rotate } from '../rounds.ts'
import { cpuRows } from './first-bytes.ts'
import type { GatewaySetting } from './setting.ts'
import { type Asked, askSide, sidesOf } from './sides.ts'

const STREAMS = 64
const shape = { tokens: 8, firstMs: 1, betweenMs: 1 }

/**
 * Until its compiler has seen it all, each side takes longer than it does for the rest of its life: for ours that is some 12,000 requests, in which the
 * CPU time for one falls by a third.
 */
export async function warmUp(setting: GatewaySetting): Promise<void> {
  for (const side of Object.values(sidesOf(setting))) await askSide(setting, side, { streams: STREAMS, shape, warmMs: 0, forMs: 12_000 })
}

/** Short answers, as many as a gateway passes on: who asks, the model server, Postgres and the gateway share the machine. */
export async function saturation(setting: GatewaySetting): Promise<Row[]> {
  const forMs = setting.quick ? 1_500 : 3_000
  const ask = (side: { port: number; pid?: number }) => () => askSide(setting, side, { streams: STREAMS, shape, warmMs: 500, forMs })
  const sides = Object.fromEntries(Object.entries(sidesOf(setting)).map(([name, side]) => [name, ask(side)]))
  for (const side of Object.values(sides)) await side()
  const rounds = (await rotate(setting.quick ? 2 : 5, sides)) as (Record<'direct' | 'bare' | 'ours', Asked> & { nginx?: Asked })[]
  const what = `${STREAMS} streams as fast as they go, ${shape.tokens} tokens`
  const perSecond = (of: 'direct' | 'bare' | 'ours') =>
    rounds.map(round => ({ ours: round[of].perSecond, reference: round.nginx?.perSecond ?? null }))
  return [
    judge(`${what}: ours (reference: NGINX)`, 'requests/s', perSecond('ours'), { of: 'ratio', sense: 'at least', value: 0.5 }),
    judge(`${what}: the bare proxy (reference: NGINX)`, 'requests/s', perSecond('bare'), null),
    judge(`${what}: nothing between (reference: NGINX)`, 'requests/s', perSecond('direct'), null),
    ...cpuRows(what, rounds),
  ]
}
