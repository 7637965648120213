import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage } from '../engine/storage/storage.ts'

/** Writes a chat into a data folder before its engine starts: turns of question and answer, as text. */
export function seedChat(home: string, title: string, texts: readonly string[]): void {
  const storage = openStorage({ folder: home })
  const conversationId = newId()
  storage.conversations.create({ id: conversationId, title, settings: {} })
  let parentId: string | null = null
  storage.atomically(() => {
    for (const [index, text] of texts.entries()) {
      const message: Message = {
        id: newId(),
        conversationId,
        parentId,
        role: index % 2 === 0 ? 'user' : 'assistant',
        parts: [{ type: 'text', text }],
        status: 'complete',
        segments: [],
        finishReason: null,
        failure: null,
        leftOut: null,
        createdAt: Date.now(),
      }
      storage.messages.add(message)
      parentId = message.id
    }
  })
  if (parentId) storage.conversations.setHead(conversationId, parentId)
  storage.close()
}
