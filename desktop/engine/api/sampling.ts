import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { GenerateRequest } from '@fusion/shared/contract/inference.ts'
import type { SamplingParameters } from '@fusion/shared/openai/parameters.ts'

/** The largest limit that inference knows. */
const MOST_TOKENS = 1_000_000

/** Sampling settings of a request in the words of inference; `index`: which of several answers, so that a seed does not make them all the same. */
export function samplingOf(parameters: SamplingParameters, maxTokens: number | null | undefined, index = 0): Sampling {
  const { temperature, top_p, top_k, min_p, seed, presence_penalty, frequency_penalty, repetition_penalty } = parameters
  return withoutNull({
    temperature,
    topP: top_p,
    // 0 and -1 both stand for no limit, here as 0.
    topK: top_k === -1 ? 0 : top_k,
    minP: min_p,
    // Seeds of OpenAI's have 64 bits, also with a sign; ours have 32.
    seed: typeof seed === 'number' ? (seed + index) >>> 0 : seed,
    presencePenalty: presence_penalty,
    frequencyPenalty: frequency_penalty,
    repeatPenalty: repetition_penalty,
    // More than any window holds is no limit.
    maxTokens: typeof maxTokens === 'number' ? Math.min(maxTokens, MOST_TOKENS) : maxTokens,
  })
}

/** What all routes ask of inference in the same words. */
export function limitsOf({
  stop,
  ignore_eos,
  return_token_ids,
}: SamplingParameters & { stop?: string | string[] | null }): Pick<GenerateRequest, 'stop' | 'ignoreEnd' | 'tokenIds'> {
  return withoutNull({
    stop: typeof stop === 'string' ? [stop] : stop,
    ignoreEnd: ignore_eos,
    tokenIds: return_token_ids,
  })
}

/** Without the fields that are null or undefined: both stand for what was not set. */
export function withoutNull<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], null | undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], null | undefined>
  }
}
