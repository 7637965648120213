import type { AttachmentPart, Message, Part } from '@fusion/shared/chat/message.ts'
import { titleFrom } from '@fusion/shared/chat/title.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Storage } from '../storage/storage.ts'

export interface Question {
  conversationId: string
  questionId: string
  text: string
  attachments: AttachmentPart[]
  /** Absent: at the end of the shown branch. Given: in the place of an edited question, whose parent this is. */
  parentId?: string | null
}

const NO_DRAFT = { text: '', attachments: [] }

/** Keeps a question, durably, and shows it; its chat is made with the first one. Throws `bad-input` for an empty question. */
export function askQuestion(storage: Storage, { conversationId, questionId, text, attachments, parentId }: Question): Message {
  const conversation = storage.conversations.get(conversationId)
  const question: Message = {
    id: questionId,
    conversationId,
    parentId: parentId === undefined ? (conversation?.headId ?? null) : parentId,
    role: 'user',
    parts: [...attachments, ...(text === '' ? [] : [{ type: 'text', text } satisfies Part])],
    status: 'complete',
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: Date.now(),
  }
  if (question.parts.length === 0) throw failure('bad-input')
  // One commit: never a chat without its question, nor a draft that was sent and is still there.
  storage.atomically(() => {
    if (!conversation) createConversation(storage, conversationId, titleFrom(text, attachments[0]?.name))
    storage.messages.add(question)
    storage.conversations.setHead(conversationId, questionId)
    // An edited question was written elsewhere: what stands in the composer is not what was sent.
    if (parentId === undefined || !conversation) storage.drafts.set(conversationId, NO_DRAFT)
  })
  return question
}

/** What was chosen while it was only a draft becomes its own. */
function createConversation(storage: Storage, id: string, title: string): void {
  storage.conversations.create({ id, title, settings: storage.drafts.getSettings(id) })
  storage.drafts.setSettings(id, null)
  if (storage.drafts.newConversationId() === id) storage.drafts.renewNewConversationId()
}
