import type { Message, PlaceReason } from '@fusion/shared/chat/message.ts'
import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Storage } from '../storage/storage.ts'
import type { Job } from './jobs.ts'

export interface BegunAnswer {
  conversation: Conversation
  /** Growing, and in the store. */
  answer: Message
  reason: PlaceReason
  /** What waits in line now. */
  line: Job[]
}

/** The chat, if it can be answered. Throws `not-found`, `chat-in-trash`. */
export function liveConversation(storage: Pick<Storage, 'conversations'>, conversationId: string): Conversation {
  const conversation = storage.conversations.get(conversationId)
  if (!conversation) throw failure('not-found')
  if (conversation.life === 'trash') throw failure('chat-in-trash')
  return conversation
}

/** Throws `not-found` where there is no such message in this chat. */
export function messageOf(storage: Pick<Storage, 'messages'>, conversationId: string, messageId: string): Message {
  const message = storage.messages.get(messageId)
  if (message?.conversationId !== conversationId) throw failure('not-found')
  return message
}

/** Puts the growing message of a job into the store, and moves what waited behind the answer that it replaces: all of it, or nothing. */
export function beginAnswer(storage: Storage, conversationId: string, job: Job, line: readonly Job[]): BegunAnswer {
  return storage.atomically(() => {
    const conversation = liveConversation(storage, conversationId)
    const { parts, segments } = job.goesOn && job.replaces ? messageOf(storage, conversationId, job.replaces) : { parts: [], segments: [] }
    const answer: Message = {
      id: newId(),
      conversationId,
      parentId: job.questionId,
      role: 'assistant',
      parts,
      status: 'growing',
      segments,
      finishReason: null,
      failure: null,
      leftOut: null,
      createdAt: Date.now(),
    }
    storage.messages.begin(answer)
    const waiting = job.replaces ? askAgain(storage, line, { from: job.replaces, to: answer.id }) : [...line]
    const last = waiting.findLast(({ questionId }) => !line.some(before => before.questionId === questionId))
    // Somebody who turned to another branch meanwhile is left there.
    if (job.show || conversation.headId === job.questionId) storage.conversations.setHead(conversationId, last?.questionId ?? answer.id)
    return { conversation, answer, reason: job.goesOn ? 'went-on' : conversation.settings.modelId ? 'chosen' : 'only-local', line: waiting }
  })
}

/** Questions that waited behind one answer are asked again behind another: as copies, since messages never change. */
function askAgain(storage: Pick<Storage, 'messages'>, line: readonly Job[], { from, to }: { from: string; to: string }): Job[] {
  const moved = new Map([[from, to]])
  return line.map(job => {
    const behind = job.behind === null ? undefined : moved.get(job.behind)
    const question = behind === undefined ? undefined : storage.messages.get(job.questionId)
    if (behind === undefined || !question) return job
    const copy: Message = { ...question, id: newId(), parentId: behind, createdAt: Date.now() }
    storage.messages.add(copy)
    moved.set(job.questionId, copy.id)
    return { ...job, questionId: copy.id, behind }
  })
}
