import type { Conversation, ConversationSettings, Folder } from '@fusion/shared/chat/conversation.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import type { Draft } from '@fusion/shared/contract/engine.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'

/** What became different on disk. Told after the commit, in the order it was done. */
export type StorageChange =
  | { type: 'conversation-changed'; conversation: Conversation }
  | { type: 'conversation-gone'; conversationId: string }
  | { type: 'folder-changed'; folder: Folder }
  | { type: 'folder-gone'; folderId: string }
  | { type: 'message-changed'; message: Message }
  | { type: 'path-changed'; conversationId: string }
  | { type: 'draft-changed'; conversationId: string; draft: Draft }
  | { type: 'draft-settings-changed'; conversationId: string; draftSettings: Partial<ConversationSettings> }
  | { type: 'settings-changed'; settings: Settings }
  | { type: 'new-conversation'; newConversationId: string }
  | { type: 'notice-changed' }
  | { type: 'api-keys-changed' }

export interface Changes {
  on(listener: (change: StorageChange) => void): () => void
  emit(change: StorageChange): void
}

export function createChanges(): Changes {
  const listeners = new Set<(change: StorageChange) => void>()
  return {
    on(listener) {
      // A function of its own each time, so that a listener added twice is told twice and removed once.
      const own = (change: StorageChange) => listener(change)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    emit(change) {
      for (const listener of listeners) listener(change)
    },
  }
}
