/** What is added to the logits of tokens before one is sampled, as llama.cpp takes it. */
export interface TokenBias {
  tokenBiasKeys: Uint32Array
  tokenBiasValues: Float32Array
}

const bias = (tokens: readonly number[], value: number): TokenBias => ({
  tokenBiasKeys: Uint32Array.from(tokens),
  tokenBiasValues: new Float32Array(tokens.length).fill(value),
})

/**
 * These before all others: logits lie within some hundred, and stay exact to a two-thousandth with this much on them. To forbid all the others
 * takes 1.2 ms in a vocabulary of 150,000, where this takes 0.2.
 */
export const before = (tokens: readonly number[]) => bias(tokens, 4096)

export const never = (tokens: readonly number[]) => bias(tokens, -Infinity)

/** None but these. */
export function only(tokens: readonly number[], size: number): TokenBias {
  const allowed = new Set(tokens)
  return never(Array.from({ length: size }, (_, token) => token).filter(token => !allowed.has(token)))
}
