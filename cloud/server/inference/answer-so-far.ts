import type { MadeBefore } from './answer.ts'
import type { ChatChunk } from './server-chunk.ts'

export type AnswerSoFar = ReturnType<typeof createAnswerSoFar>

/**
 * An answer in tokens, as far as it was made: enough for another server with the same weights to go on exactly where one broke off. By text it
 * would not be the same: that is tokenized anew at the cut.
 */
export function createAnswerSoFar(before?: MadeBefore) {
  let promptIds = before?.promptIds
  const ids: number[] = [...(before?.tokenIds ?? [])]
  /** Tokens whose text has come: half a character has none yet. */
  let whole = ids.length
  let text = before?.text ?? ''
  let exact = before?.isExact ?? true
  let reasoning = false
  return {
    take({ promptIds: prompt, text: said, reasoning: thought, tokenIds, single }: ChatChunk): void {
      promptIds ??= prompt
      if (!single || (!tokenIds && (said !== '' || thought !== ''))) exact = false
      if (!single) return
      if (tokenIds) ids.push(...tokenIds)
      text += said
      if (said !== '') whole = ids.length
      reasoning = thought !== '' || (reasoning && said === '')
    },
    tokens: () => ids.length,
    text: () => text,
    /** Whether its tokens are known, and it is past its reasoning: that is told apart from text by how it begins. */
    isExact: () => promptIds !== undefined && exact && !reasoning,
    promptIds: () => promptIds ?? [],
    /** All tokens that came. */
    ids: () => ids,
    /** Drops those whose text has not come: they are made once more. Returns how many are left. */
    cut(to = whole): number {
      ids.length = to
      return to
    },
  }
}
