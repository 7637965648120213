import { randomInt } from 'node:crypto'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { LoadedLlama } from './llama.ts'
import { type NativeSampler } from './native.ts'

/** llama.cpp's own defaults (common/common.h), for what neither the person nor the model file sets. */
export const defaultSampling = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }

/** Tokens that penalties look back on, as in llama.cpp. */
const PENALTY_TOKENS = 64

/** A sampler for one answer to `prompt`. Temperature 0 is greedy: always the likeliest token. */
export function createSampler(llama: LoadedLlama, sampling: Sampling, prompt: readonly number[]): NativeSampler {
  const { temperature, topK, topP, minP } = { ...defaultSampling, ...llama.sampling, ...sampling }
  const { repeatPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = sampling
  const penalized = repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0
  const sampler = llama.createNativeSampler()
  sampler.applyConfig({
    temperature,
    topK,
    topP,
    minP,
    seed: sampling.seed ?? randomInt(2 ** 32),
    ...(penalized && {
      repeatPenalty,
      repeatPenaltyMaxTokens: PENALTY_TOKENS,
      repeatPenaltyTokens: Uint32Array.from(prompt.slice(-PENALTY_TOKENS)),
      repeatPenaltyPresencePenalty: presencePenalty,
      repeatPenaltyFrequencyPenalty: frequencyPenalty,
    }),
  })
  return sampler
}
