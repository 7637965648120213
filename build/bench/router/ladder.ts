import type { EngineShape } from '../../../cloud/testing/mock-engine.ts'
import { quantile } from '../statistics.ts'
import { type Answered, createCluster } from './cluster.ts'
import type { MakePolicy } from './policy.ts'
import { SERVERS } from './published.ts'
import { seededRandom } from './random.ts'
import { arrivals, createBlocks, createQuestions, type QuestionKind } from './workload.ts'

export interface Figures {
  /** Output tokens a second, from the first question to the end of the last answer. */
  tokens: number
  /** Seconds to the first token. */
  p50: number
  p90: number
  /** Of prompts, the share that was in the cache. */
  cached: number
}

export interface Ladder {
  seed: number
  stages: readonly { rate: number; seconds: number }[]
  kind?: QuestionKind
}

export function figuresOf(answered: readonly Answered[]): Omit<Figures, 'cached'> {
  const waited = answered.map(({ asked, firstTokenAt }) => (firstTokenAt - asked.at) / 1000)
  const begin = answered.reduce((first, { asked }) => Math.min(first, asked.at), Infinity)
  const end = answered.reduce((last, { doneAt }) => Math.max(last, doneAt), 0)
  const made = answered.reduce((sum, { tokens }) => sum + tokens, 0)
  return { tokens: (made / (end - begin)) * 1000, p50: quantile(waited, 0.5), p90: quantile(waited, 0.9) }
}

/** One stage after the other on the same servers; the first one's figures are left out, it fills their caches. */
export function climb(policy: MakePolicy, shape: EngineShape, { seed, stages, kind = {} }: Ladder): Figures[] {
  // Questions and their times are the same for all policies.
  const random = seededRandom(seed)
  const question = createQuestions(createBlocks(), random, kind)
  const cluster = createCluster(shape, SERVERS, engines => policy(engines, seededRandom(seed + 1_000)))
  const count = (figure: 'promptTokens' | 'cachedTokens') => cluster.engines.reduce((sum, { figures }) => sum + figures[figure], 0)
  const figures = stages.map(({ rate, seconds }) => {
    const before = [count('cachedTokens'), count('promptTokens')] as const
    const answered = cluster.run(arrivals(question, { rate, seconds, from: cluster.now(), random }))
    return { ...figuresOf(answered), cached: (count('cachedTokens') - before[0]) / (count('promptTokens') - before[1]) }
  })
  return figures.slice(1)
}
