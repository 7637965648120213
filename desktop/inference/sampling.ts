import { randomInt } from 'node:crypto'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { TokenLogprob } from '@fusion/shared/contract/inference.ts'
import type { Guide } from './grammar/guide.ts'
import type { LoadedLlama } from './llama.ts'
import { createLogprobs } from './logprobs.ts'
import type { NativeContext } from './native.ts'
import { before, never, only, type TokenBias } from './token-bias.ts'

/** llama.cpp's own defaults (common/common.h), for what neither the person nor the model file sets. */
export const defaultSampling = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }

/** Tokens that penalties look back on, as in llama.cpp. */
const PENALTY_TOKENS = 64
/** So many tokens that do not fit are refused one by one, 0.15 ms each, before all that fit are looked for: that takes 5 to 80 ms. */
const MOST_REFUSED = 12

/** Tokens that have to follow are computed with those of other answers: so many of each make a batch for all sequences. */
const MOST_FOLLOWING = 32

export interface Picked {
  /** At least one. Those after the first had to follow it. */
  tokens: number[]
  /** Of the first, where it was asked for. */
  logprob?: TokenLogprob
  /** Nothing can follow: the answer has the form it was to have. */
  done: boolean
}

/** Chooses the tokens of one answer. */
export interface Picker {
  /** From a row of logits. Nothing else may be computed meanwhile. */
  pick(context: NativeContext, row: number): Promise<Picked>
  /** From now on the answer is held to a form; undefined: no longer. */
  guideBy(guide: Guide | undefined): void
  dispose(): void
}

/** Temperature 0 is greedy: always the likeliest token. `logprobs`: so many of the likeliest tokens are told beside each. */
export function createPicker(
  llama: LoadedLlama,
  { sampling, prompt, logprobs }: { sampling: Sampling; prompt: readonly number[]; logprobs?: number | undefined },
): Picker {
  const { temperature, topK, topP, minP } = { ...defaultSampling, ...llama.sampling, ...sampling }
  const { repeatPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = sampling
  const penalized = repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0
  const seed = sampling.seed ?? randomInt(2 ** 32)
  const sampler = llama.createNativeSampler()
  const scores = logprobs === undefined ? undefined : createLogprobs(llama, logprobs)
  let recent = prompt.slice(-PENALTY_TOKENS)
  let guide: Guide | undefined
  let biased = false

  function configure(bias?: TokenBias): void {
    biased = bias !== undefined
    sampler.applyConfig({
      temperature,
      topK,
      topP,
      minP,
      seed,
      ...(penalized && {
        repeatPenalty,
        repeatPenaltyMaxTokens: PENALTY_TOKENS,
        repeatPenaltyTokens: Uint32Array.from(recent),
        repeatPenaltyPresencePenalty: presencePenalty,
        repeatPenaltyFrequencyPenalty: frequencyPenalty,
      }),
      ...bias,
    })
  }
  configure()

  async function sample(context: NativeContext, row: number): Promise<number> {
    const token = await context.sampleToken(row, sampler)
    if (token < 0) throw new Error('The model gave no token')
    return token
  }

  /** Out of these alone. */
  async function sampleFrom(tokens: readonly number[], context: NativeContext, row: number): Promise<number> {
    if (tokens.length === 0) throw new Error('The model has no token for what has to follow')
    if (tokens.length === 1) return tokens[0]!
    // A penalty on repetition divides logits, and would take what was added away from some.
    configure(repeatPenalty === 1 ? before(tokens) : only(tokens, llama.size))
    return sample(context, row)
  }

  async function sampleGuided(guide: Guide, context: NativeContext, row: number): Promise<number> {
    const few = guide.few()
    if (few) return sampleFrom(few, context, row)
    if (biased || penalized) configure()
    const refused: number[] = []
    for (;;) {
      const token = await sample(context, row)
      if (guide.allows(token)) return token
      if (refused.length === MOST_REFUSED) return sampleFrom(guide.all(), context, row)
      refused.push(token)
      configure(never(refused))
    }
  }

  /** What has to follow, up to a first token that was read otherwise than it has to be written. */
  function follow(guide: Guide, most: number): number[] {
    const followed: number[] = []
    const text = guide.forced()
    if (text === '') return followed
    for (const token of llama.tokenizeText(text)) {
      if (followed.length === most || !guide.allows(token)) break
      guide.accept(token)
      followed.push(token)
    }
    return followed
  }

  return {
    guideBy(next) {
      guide = next
    },
    async pick(context, row) {
      let tokens: number[]
      if (!guide) {
        if (biased) configure()
        tokens = [await sample(context, row)]
      } else {
        // Each token's probability is read from its own row: then they come one by one.
        const most = scores ? 1 : MOST_FOLLOWING
        tokens = follow(guide, most)
        if (tokens.length === 0) {
          const token = await sampleGuided(guide, context, row)
          if (llama.isEnd(token)) return { tokens: [token], done: true }
          guide.accept(token)
          tokens = [token, ...follow(guide, most - 1)]
        }
      }
      recent = [...recent, ...tokens].slice(-PENALTY_TOKENS)
      const logprob = scores && (await scores.of(tokens[0]!, context, row))
      return { tokens, ...(logprob && { logprob }), done: guide?.done ?? false }
    },
    dispose() {
      sampler.dispose()
      scores?.dispose()
    },
  }
}
