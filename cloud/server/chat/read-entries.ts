import type { TailEntry } from './event-tail.ts'

/** What was made of an answer, by what was told of it. */
export interface KnownAnswer {
  promptTokens: number
  /** Tokens that the window has room for; undefined: the prompt was not counted yet. */
  room: number | undefined
  /** undefined: it had no token yet. */
  promptIds: readonly number[] | undefined
  tokenIds: readonly number[]
  /** Of text and of reasoning. */
  pieces: number
  text: string
  /** All of it is known in tokens, and it is past its reasoning. */
  isExact: boolean
  /** Of the server that began it. */
  weights: string | undefined
  attempts: number
}

export function readEntries(entries: readonly TailEntry[]): KnownAnswer {
  const known: KnownAnswer & { tokenIds: number[] } = {
    promptTokens: 0,
    room: undefined,
    promptIds: undefined,
    tokenIds: [],
    pieces: 0,
    text: '',
    isExact: true,
    weights: undefined,
    attempts: 1,
  }
  let reasons = false
  for (const { event, promptIds, tokenIds, weights } of entries) {
    if (event.type === 'prompt-count') {
      known.promptTokens = event.promptTokens
      known.room = event.windowTokens - event.promptTokens
    } else if (event.type === 'request-retry') known.attempts = event.attempt
    else if (event.type === 'text-delta' || event.type === 'reasoning-delta') {
      known.pieces += 1
      reasons = event.type === 'reasoning-delta'
      if (event.type === 'text-delta') known.text += event.text
      if (!tokenIds) known.isExact = false
    }
    known.promptIds ??= promptIds
    known.weights ??= weights
    if (tokenIds) known.tokenIds.push(...tokenIds)
  }
  if (reasons) known.isExact = false
  return known
}
