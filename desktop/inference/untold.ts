import type { TokenLogprob } from '@fusion/shared/contract/inference.ts'

/** Tokens as a delta of the answer carries them. */
export interface ToldTokens {
  tokens: number
  tokenIds?: number[]
  logprobs?: TokenLogprob[]
}

export interface Sampled {
  id: number
  logprob?: TokenLogprob
}

export interface Untold {
  /** `at`: where in the answer its text begins, or will begin: a token can be a part of a character. */
  add(token: Sampled, at: number): void
  /** Those whose text begins before `until`. */
  take(until: number): ToldTokens
}

/**
 * Tokens that were sampled and whose text is not told yet, because it may be the beginning of a mark, of a text that stops the answer, or of a
 * character. With ids or logprobs, each goes with its text.
 */
export function createUntold({ ids, logprobs }: { ids: boolean; logprobs: boolean }): Untold {
  let held: (Sampled & { at: number })[] = []
  return {
    add({ id, logprob }, at) {
      held.push({ id, at, ...(logprob && { logprob }) })
    },
    take(until) {
      const cut = held.findIndex(({ at }) => at >= until)
      const taken = cut < 0 ? held : held.slice(0, cut)
      held = cut < 0 ? [] : held.slice(cut)
      return {
        tokens: taken.length,
        ...((ids || logprobs) && { tokenIds: taken.map(({ id }) => id) }),
        ...(logprobs && { logprobs: taken.flatMap(({ logprob }) => logprob ?? []) }),
      }
    },
  }
}
