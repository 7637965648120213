import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'

export type TextDelta = Extract<GenerateEvent, { type: 'text-delta' }>
export type Delta = TextDelta | Extract<GenerateEvent, { type: 'tool-call-delta' }>

/**
 * Pieces come at most this often. To the eye it is the same; a token of a small model takes less, and each piece costs the way to its reader
 * a millisecond of the cores that compute (bench `local`).
 */
const APART_MS = 40

export interface Pieces {
  /** Tells it at once, or with what follows it soon. */
  add(delta: Delta): void
  /** Tells what is held. */
  flush(): void
}

/** The text of one answer, and the arguments of its calls, in pieces: the first is told at once, and what comes faster than it can be read is told together. */
export function createPieces(tell: (delta: Delta) => void): Pieces {
  let held: Delta | undefined
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

/** Two deltas as one; undefined where they are of different parts, or calls. */
export function joinDeltas(last: Delta, next: Delta): Delta | undefined {
  if (last.type === 'tool-call-delta' || next.type === 'tool-call-delta') {
    if (last.type !== 'tool-call-delta' || next.type !== 'tool-call-delta' || last.index !== next.index) return undefined
    return { ...next, arguments: last.arguments + next.arguments, tokens: last.tokens + next.tokens }
  }
  if (last.part !== next.part) return undefined
  return {
    ...next,
    text: last.text + next.text,
    tokens: last.tokens + next.tokens,
    ...((last.tokenIds ?? next.tokenIds) && { tokenIds: [...(last.tokenIds ?? []), ...(next.tokenIds ?? [])] }),
    ...((last.logprobs ?? next.logprobs) && { logprobs: [...(last.logprobs ?? []), ...(next.logprobs ?? [])] }),
  }
}
