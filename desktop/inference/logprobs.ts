import type { TokenLogprob } from '@fusion/shared/contract/inference.ts'
import type { LoadedLlama } from './llama.ts'
import type { NativeContext } from './native.ts'

export interface Logprobs {
  of(token: number, context: NativeContext, row: number): Promise<TokenLogprob>
  dispose(): void
}

/** The smallest number that is no zero in 32 bits: what is less likely reads as 0. */
const LEAST = 2 ** -149

/**
 * How likely tokens were to the model itself, before temperature, penalties, forms and all else. llama.cpp's sampler tells the probabilities of
 * what it was left to choose from; this one is left everything, so it computes the softmax of the raw logits and sorts them.
 */
export function createLogprobs(llama: LoadedLlama, most: number): Logprobs {
  const sampler = llama.createNativeSampler()
  // Greedy, and nothing before it.
  sampler.applyConfig({ temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 })

  function scored(id: number, probability: number) {
    const bytes = llama.tokenBytes(id)
    return { id, text: bytes.toString(), bytes: [...bytes], logprob: Math.log(Math.max(probability, LEAST)) }
  }

  return {
    async of(token, context, row) {
      const [, pairs = []] = await context.sampleToken(row, sampler, true)
      const top = Array.from({ length: Math.min(most, pairs.length / 2) }, (_, index) => scored(pairs[index * 2]!, pairs[index * 2 + 1]!))
      let own = 0
      for (let index = 0; index < pairs.length; index += 2) {
        if (pairs[index] !== token) continue
        own = pairs[index + 1]!
        break
      }
      return { ...scored(token, own), top }
    },
    dispose: () => sampler.dispose(),
  }
}
