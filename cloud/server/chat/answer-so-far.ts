import type { Sampling } from '@fusion/shared/chat/conversation.ts'

/** One piece of an answer as a model server sends it. */
export interface AnswerPiece {
  text: string
  reasoning: string
  /** Undefined where the server tells none. */
  tokenIds: readonly number[] | undefined
}

export type AnswerSoFar = ReturnType<typeof createAnswerSoFar>

/**
 * An answer in tokens, as far as it was made: enough for another server with the same weights to go on exactly where one broke off. By text it
 * would not be the same: that is tokenized anew at the cut.
 */
export function createAnswerSoFar() {
  let promptIds: readonly number[] | undefined
  const ids: number[] = []
  /** Tokens whose text has come: half a character has none yet. */
  let whole = 0
  let exact = true
  let reasoning = false
  return {
    prompt(tokenIds: readonly number[]): void {
      promptIds ??= tokenIds
    },
    take({ text, reasoning: thought, tokenIds }: AnswerPiece): void {
      if (!tokenIds && (text !== '' || thought !== '')) exact = false
      ids.push(...(tokenIds ?? []))
      if (text !== '') whole = ids.length
      reasoning = thought !== '' || (reasoning && text === '')
    },
    /**
     * Whether another server would make of it what this one would have made. Not where it is still reasoning, which is told apart from text by its
     * beginning; not with penalties for what the answer has said, which by then is a part of the prompt; not with a seed that draws.
     */
    canGoOn({ presencePenalty = 0, frequencyPenalty = 0, seed, temperature }: Sampling): boolean {
      if (!promptIds || !exact || whole === 0 || reasoning) return false
      return presencePenalty === 0 && frequencyPenalty === 0 && (seed === undefined || temperature === 0)
    },
    /** What another server goes on from; what it makes comes after it. */
    goOn(): { prompt: number[]; made: number } {
      ids.length = whole
      return { prompt: [...(promptIds ?? []), ...ids], made: whole }
    },
  }
}
