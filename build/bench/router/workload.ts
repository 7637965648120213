import { shape, workload } from './published.ts'
import { type Random, shuffled } from './random.ts'

/** A prompt as the blocks of the cache: equal numbers are equal beginnings. */
export interface Prompt {
  tokens: number
  blocks: readonly number[]
}

export interface Asked extends Prompt {
  /** In ms. */
  at: number
  answerTokens: number
}

/** Gives blocks that no prompt has had yet. */
export function createBlocks() {
  let last = 0
  return (count: number): number[] => Array.from({ length: count }, () => ++last)
}

export type NewBlocks = ReturnType<typeof createBlocks>

export interface QuestionKind {
  /** Each is new behind its tenant's prefix. */
  fresh?: boolean
  /** The n-th tenant asks 1/n times as often as the first. */
  skewed?: boolean
}

/** One question after the other, without end. As inference-perf asks them: always the same 750, in one order that was mixed once. */
export function createQuestions(newBlocks: NewBlocks, random: Random, { fresh, skewed }: QuestionKind = {}): () => Prompt {
  const { tenants, prefixTokens, questionsPerTenant, questionTokens } = workload
  const tokens = prefixTokens + questionTokens
  const shared = Math.floor(prefixTokens / shape.blockTokens)
  const own = Math.floor(tokens / shape.blockTokens) - shared
  const prefixes = Array.from({ length: tenants }, () => newBlocks(shared))
  const ask = (prefix: number[]): Prompt => ({ tokens, blocks: [...prefix, ...newBlocks(own)] })
  const known = prefixes.flatMap(prefix => Array.from({ length: questionsPerTenant }, () => ({ prefix, prompt: ask(prefix) })))
  const mixed = shuffled(known, random)
  const total = prefixes.reduce((sum, _, index) => sum + 1 / (index + 1), 0)
  let next = 0

  function drawn() {
    let left = random() * total
    const tenant = prefixes.findIndex((_, index) => (left -= 1 / (index + 1)) < 0)
    return known[Math.max(0, tenant) * questionsPerTenant + Math.floor(random() * questionsPerTenant)]!
  }

  return () => {
    const { prefix, prompt } = skewed ? drawn() : mixed[next++ % mixed.length]!
    return fresh ? ask(prefix) : prompt
  }
}

/** So many a second, at times that know nothing of each other (Poisson). */
export function arrivals(
  question: () => Prompt,
  { rate, seconds, from, random }: { rate: number; seconds: number; from: number; random: Random },
): Asked[] {
  const asked: Asked[] = []
  let at = from
  for (let count = Math.round(rate * seconds); count > 0; count--) {
    at += (-Math.log(1 - random()) * 1000) / rate
    asked.push({ ...question(), at, answerTokens: workload.answerTokens })
  }
  return asked
}
