import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'

export type TextDelta = Extract<GenerateEvent, { type: 'text-delta' }>

/**
 * Pieces come at most this often. To the eye it is the same; a token of a small model takes less, and each piece costs the way to its reader
 * a millisecond of the cores that compute (bench `local`).
 */
const APART_MS = 40

export interface Pieces {
  /** Tells it at once, or with what follows it soon. */
  add(delta: TextDelta): void
  /** Tells what is held. */
  flush(): void
}

/** The text of one answer in pieces: the first is told at once, and what comes faster than it can be read is told together. */
export function createPieces(tell: (delta: TextDelta) => void): Pieces {
  let held: TextDelta | undefined
  let toldAt = -Infinity
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (!held) return
    const delta = held
    held = undefined
    toldAt = performance.now()
    tell(delta)
  }

  return {
    add(delta) {
      const joined = held && joinDeltas(held, delta)
      if (!joined) flush()
      held = joined ?? delta
      if (performance.now() - toldAt >= APART_MS) flush()
      // For the case that no further token comes to tell it with.
      else timer ??= setTimeout(flush, APART_MS)
    },
    flush,
  }
}

/** Two deltas as one; undefined where they are of different parts. */
export function joinDeltas(last: TextDelta, next: TextDelta): TextDelta | undefined {
  if (last.part !== next.part) return undefined
  return {
    ...next,
    text: last.text + next.text,
    tokens: last.tokens + next.tokens,
    ...((last.tokenIds ?? next.tokenIds) && { tokenIds: [...(last.tokenIds ?? []), ...(next.tokenIds ?? [])] }),
    ...((last.logprobs ?? next.logprobs) && { logprobs: [...(last.logprobs ?? []), ...(next.logprobs ?? [])] }),
  }
}
