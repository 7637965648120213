import { judge, type Row } from '../report.ts'
import { rotate } from '../rounds.ts'
import type { GatewaySetting } from './setting.ts'
import { type Asked, askSide, sidesOf } from './sides.ts'

/** Below what any side can bear, so that what is added is not the waiting of one that is overrun. */
const shapes = [
  { streams: 1, shape: { tokens: 4, firstMs: 2, betweenMs: 2 } },
  { streams: 32, shape: { tokens: 8, firstMs: 20, betweenMs: 20 } },
  { streams: 256, shape: { tokens: 24, firstMs: 50, betweenMs: 40 } },
]

/** The time that a gateway adds to the first text of an answer, and the CPU time that it takes for all of it. */
export async function firstBytes(setting: GatewaySetting): Promise<Row[]> {
  const rows: Row[] = []
  for (const { streams, shape } of shapes) {
    const forMs = setting.quick ? 1_500 : 3_000
    const ask = (side: { port: number; pid?: number }) => () => askSide(setting, side, { streams, shape, warmMs: 1_000, forMs })
    const sides = Object.fromEntries(Object.entries(sidesOf(setting)).map(([name, side]) => [name, ask(side)]))
    // Until the compiler has seen it all, all are slower than they stay.
    for (const side of Object.values(sides)) await side()
    const rounds = (await rotate(setting.quick ? 2 : 4, sides)) as Record<'direct' | 'bare' | 'ours', Asked>[]
    const nginx = rounds as Record<string, Asked | undefined>[]
    const added = (figure: 'p50' | 'p99', reference: 'bare' | 'nginx') =>
      rounds.map(({ direct, ours }, index) => {
        const other = nginx[index]![reference]
        return { ours: ours[figure] - direct[figure], reference: other ? other[figure] - direct[figure] : null }
      })
    const what = streams === 1 ? '1 stream' : `${streams} streams`
    rows.push(
      judge(`${what}: added to the first text, p50 (reference: bare proxy)`, 'ms', added('p50', 'bare'), {
        of: 'ratio',
        sense: 'at most',
        value: 1.5,
      }),
      judge(`${what}: added to the first text, p99 (reference: bare proxy)`, 'ms', added('p99', 'bare'), {
        of: 'ratio',
        sense: 'at most',
        value: 2,
      }),
    )
    if (setting.nginx) rows.push(judge(`${what}: added to the first text, p50 (reference: NGINX)`, 'ms', added('p50', 'nginx'), null))
    rows.push(...cpuRows(`${what}, ${shape.tokens} tokens`, rounds))
  }
  return rows
}

/** CPU time for a request: the gateway's own process, and Postgres beside it. */
export function cpuRows(what: string, rounds: Record<'bare' | 'ours', Asked>[]): Row[] {
  return [
    judge(
      `${what}: CPU time for a request (reference: bare proxy)`,
      'ms',
      rounds.map(({ ours, bare }) => ({ ours: ours.cpuMs, reference: bare.cpuMs })),
      { of: 'ratio', sense: 'at most', value: 2 },
    ),
    judge(
      `${what}: CPU time of Postgres for a request`,
      'ms',
      rounds.map(({ ours }) => ({ ours: ours.childrenMs, reference: null })),
      null,
    ),
  ]
}
