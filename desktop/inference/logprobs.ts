import type { TokenLogprob } from '@fusion/shared/contract/inference.ts'
import type { LoadedLlama } from './llama.ts'
import type { NativeContext } from './native.ts'

export interface Logprobs {
  of(token: number, context: NativeContext, row: number): Promise<TokenLogprob>
  dispose(): void
}

/** The smallest number that is no zero in 32 bits: what is less likely reads as 0. */
const LEAST = 2 ** -149

/** As many as a sampled token is usually among: reading all of a vocabulary of 150,000 takes 18 ms, these and the sum 4. */
const USUAL = 256

/**
 * How likely tokens were to the model itself, before temperature, penalties, forms and all else. llama.cpp's sampler tells the probabilities of
 * what it was left to choose from, the softmax of raw logits as long as nothing changes them. So one sampler is left everything, and tells how
 * likely the first token is; the other is left the first few, and tells how likely they are beside the first.
 */
export function createLogprobs(llama: LoadedLlama, most: number): Logprobs {
  const sampler = (temperature: number, topK: number) => {
    const made = llama.createNativeSampler()
    made.applyConfig({ temperature, topK, topP: 1, minP: 0, seed: 0 })
    return made
  }
  const everything = sampler(0, 0)
  const few = sampler(1, USUAL)

  function scored(id: number, probability: number) {
    const bytes = llama.tokenBytes(id)
    return { id, text: bytes.toString(), bytes: [...bytes], logprob: Math.log(Math.max(probability, LEAST)) }
  }

  return {
    async of(token, context, row) {
      const [, , likeliest] = await context.sampleToken(row, everything, false, true)
      const [, beside = []] = await context.sampleToken(row, few, true)
      const scale = likeliest / beside[1]!
      const top = Array.from({ length: Math.min(most, beside.length / 2) }, (_, index) =>
        scored(beside[index * 2]!, beside[index * 2 + 1]! * scale),
      )
      const own = probabilityOf(token, beside)
      if (own !== undefined) return { ...scored(token, own * scale), top }
      const [, all = []] = await context.sampleToken(row, everything, true)
      return { ...scored(token, probabilityOf(token, all) ?? 0), top }
    },
    dispose() {
      everything.dispose()
      few.dispose()
    },
  }
}

function probabilityOf(token: number, pairs: readonly number[]): number | undefined {
  for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === token) return pairs[index + 1]!
  return undefined
}
