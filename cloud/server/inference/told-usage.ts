import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** More than any answer has: such a number is no count, and the ledger could not add it up. */
const MOST_TOKENS = 1_000_000_000

const MaybeCount = Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: MOST_TOKENS }), Type.Null()]))
const Details = Type.Optional(Type.Union([Type.Object({ cached_tokens: MaybeCount }), Type.Null()]))
/** As completions tell it, as responses do, and as embeddings do. */
const Told = Type.Object({
  prompt_tokens: MaybeCount,
  completion_tokens: MaybeCount,
  input_tokens: MaybeCount,
  output_tokens: MaybeCount,
  prompt_tokens_details: Details,
  input_tokens_details: Details,
})
const toldCheck = Compile(Told)

export const noUsage: GenerationUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }

/** What a server says it has counted; undefined where that can't be read. */
export function toldUsage(told: unknown): GenerationUsage | undefined {
  if (!toldCheck.Check(told)) return undefined
  const promptTokens = told.prompt_tokens ?? told.input_tokens ?? 0
  const cached = told.prompt_tokens_details?.cached_tokens ?? told.input_tokens_details?.cached_tokens ?? 0
  return {
    promptTokens,
    cachedTokens: Math.min(promptTokens, cached),
    completionTokens: told.completion_tokens ?? told.output_tokens ?? 0,
  }
}

/**
 * Usage of an answer while it is made. The server's own is taken once and last, never added up; until then, and where none comes, it is what came:
 * tokens by their ids, or pieces of text, each of which nearly always is a token.
 */
export function createUsageCount() {
  let counted = { ...noUsage }
  let told: GenerationUsage | undefined
  return {
    prompt: (tokens: number) => void (counted = { ...counted, promptTokens: tokens }),
    made: (tokens: number) => void (counted = { ...counted, completionTokens: counted.completionTokens + tokens }),
    told: (usage: unknown) => void (told = toldUsage(usage) ?? told),
    usage: (): GenerationUsage => told ?? counted,
  }
}
