import type { EngineShape } from '../../../cloud/testing/mock-engine.ts'
import { judge, type Row } from '../report.ts'
import { fusion } from './fusion-policy.ts'
import { bestOf, pairs } from './ladders.ts'
import { climb, type Figures } from './ladder.ts'
import { policies } from './policies.ts'
import { shape, stages } from './published.ts'
import type { RouterSetting } from './setting.ts'

const rivals = ['llm-d precise', 'production-stack'] as const
/** The first one fills the caches. */
const two = [stages[0]!, stages.at(-1)!]
const varied = ['stepMs', 'prefillMsPerToken', 'decodeMsPerSequence', 'cacheBlocks', 'batchTokens'] as const

const vary = (name: (typeof varied)[number], by: number): EngineShape => {
  const value = shape[name] * by
  return { ...shape, [name]: Number.isInteger(shape[name]) ? Math.round(value) : value }
}

/** Whether what holds at saturation still does where a parameter of the servers is half or half as much again, and with other weights of load. */
export async function sensitivity({ quick, seeds }: RouterSetting): Promise<Row[]> {
  const some = quick ? seeds : seeds.slice(0, 3)
  const last = (policy: ReturnType<typeof fusion>, at: EngineShape): Figures[] =>
    some.map(seed => climb(policy, at, { seed, stages: two })[0]!)
  const rows = varied.flatMap(name =>
    [0.5, 1.5].flatMap(by => {
      const at = vary(name, by)
      const all = policies(at)
      const ours = last(all.fusion, at)
      const best = bestOf(rivals.map(rival => last(all[rival], at)))
      const what = `${name} × ${by}, 60/s, beside`
      return [
        judge(
          `${what} random: output`,
          'tokens/s',
          pairs(ours, last(all.random, at), ({ tokens }) => tokens),
          {
            of: 'ratio',
            sense: 'at least',
            value: 1.8,
          },
        ),
        judge(
          `${what} the better of llm-d precise and production-stack: output`,
          'tokens/s',
          pairs(ours, best, ({ tokens }) => tokens),
          {
            of: 'ratio',
            sense: 'at least',
            value: 0.95,
          },
        ),
        judge(
          `${what} the better of llm-d precise and production-stack: p90 to first token`,
          's',
          pairs(ours, best, ({ p90 }) => p90),
          {
            of: 'ratio',
            sense: 'at most',
            value: 1.05,
          },
        ),
      ]
    }),
  )
  const plain = last(fusion(shape), shape)
  const weights = [0.5, 2].flatMap(weight => {
    const ours = last(fusion(shape, weight), shape)
    return [
      judge(
        `LOAD_WEIGHT ${weight} beside 1, 60/s: output`,
        'tokens/s',
        pairs(ours, plain, ({ tokens }) => tokens),
        null,
      ),
      judge(
        `LOAD_WEIGHT ${weight} beside 1, 60/s: p90 to first token`,
        's',
        pairs(ours, plain, ({ p90 }) => p90),
        null,
      ),
    ]
  })
  return [...rows, ...weights]
}
