import { textOf } from '@fusion/shared/chat/message.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { askQuestion, type Question } from './ask-question.ts'
import { liveConversation, messageOf } from './begin-answer.ts'
import type { Job } from './jobs.ts'
import type { TurnParts } from './turn.ts'
import { createTurnLine, type TurnLine } from './turn-line.ts'

export interface Turns extends Omit<TurnLine, 'put' | 'putFirst'> {
  /** Resolves when the question is on disk. Sent again under the same id, it is asked once. */
  send(question: Question): Promise<void>
  answer(conversationId: string, messageId: string): Promise<void>
  goOn(conversationId: string, messageId: string): Promise<void>
}

/** What a person asks of a chat: to take a question, to answer one again, to go on with an answer. */
export function createTurns(parts: TurnParts): Turns {
  const { storage } = parts
  const { put, putFirst, ...line } = createTurnLine(parts)

  function answerNow(conversationId: string, questionId: string, as: Pick<Job, 'replaces' | 'goesOn'>): void {
    const { parentId: behind } = messageOf(storage, conversationId, questionId)
    putFirst(conversationId, { ...as, questionId, behind, show: true })
  }

  return {
    ...line,
    async send(question) {
      const startedAt = performance.now()
      const { conversationId, questionId, parentId } = question
      const known = storage.conversations.get(conversationId)
      /** A page that lost its connection asks again: then the question is there already. */
      function isThere(): boolean {
        if (storage.messages.get(questionId)) return true
        if (known) liveConversation(storage, conversationId)
        if (parentId) messageOf(storage, conversationId, parentId)
        return false
      }
      if (isThere()) return
      if (known && parentId !== undefined && parentId !== known.headId) {
        // The person turns to another branch: what is answered and waits on this one is left.
        await line.halt(conversationId)
        // Another page may have been there meanwhile.
        if (isThere()) return
      }
      const { parentId: behind } = askQuestion(storage, question)
      put(conversationId, { questionId, behind, replaces: null, goesOn: false, show: false }, startedAt)
    },
    async answer(conversationId, messageId) {
      liveConversation(storage, conversationId)
      const { role, parentId } = messageOf(storage, conversationId, messageId)
      if (role === 'user') answerNow(conversationId, messageId, { replaces: null, goesOn: false })
      else if (parentId) answerNow(conversationId, parentId, { replaces: messageId, goesOn: false })
      else throw failure('not-found')
    },
    async goOn(conversationId, messageId) {
      liveConversation(storage, conversationId)
      const { role, status, parts: said, parentId } = messageOf(storage, conversationId, messageId)
      if (role !== 'assistant' || status === 'growing' || !parentId) throw failure('bad-input')
      answerNow(conversationId, parentId, { replaces: messageId, goesOn: textOf({ parts: said }) !== '' })
    },
  }
}
