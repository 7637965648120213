/** Which tokens may be sampled, as llama.cpp takes it: a number to be added to the logit of each token named. */
export interface TokenBias {
  /** Valid until the next call: the arrays are as long as the vocabulary, and used again. */
  only(tokens: readonly number[]): { tokenBiasKeys: Uint32Array; tokenBiasValues: Float32Array }
  without(tokens: readonly number[]): { tokenBiasKeys: Uint32Array; tokenBiasValues: Float32Array }
}

export function createTokenBias(size: number): TokenBias {
  let arrays: { tokenBiasKeys: Uint32Array; tokenBiasValues: Float32Array } | undefined
  let open: readonly number[] = []
  return {
    only(tokens) {
      arrays ??= {
        tokenBiasKeys: Uint32Array.from({ length: size }, (_, token) => token),
        tokenBiasValues: new Float32Array(size).fill(-Infinity),
      }
      for (const token of open) arrays.tokenBiasValues[token] = -Infinity
      for (const token of tokens) arrays.tokenBiasValues[token] = 0
      open = tokens
      return arrays
    },
    without: tokens => ({ tokenBiasKeys: Uint32Array.from(tokens), tokenBiasValues: new Float32Array(tokens.length).fill(-Infinity) }),
  }
}
