import type { StorageChange } from '../storage/changes.ts'
import type { Storage } from '../storage/storage.ts'
import type { Hub } from './hub.ts'

/** Turns what the store committed into what open pages are told. The path of a long chat is told whole only when it changed in its middle. */
export function tellChanges({ storage, hub }: { storage: Storage; hub: Hub }): () => void {
  const toldHeads = new Map<string, string | null>()

  function tellPath(conversationId: string): void {
    if (!hub.isOpen(conversationId)) return void toldHeads.delete(conversationId)
    const headId = storage.conversations.get(conversationId)?.headId ?? null
    const head = headId === null ? undefined : storage.messages.get(headId)
    const grown =
      head && toldHeads.get(conversationId) === head.parentId && storage.messages.childrenOf(head.parentId, conversationId).length === 1
    toldHeads.set(conversationId, headId)
    if (grown) hub.tellChat(conversationId, { type: 'path-grown', entry: { id: head.id, role: head.role } })
    else hub.tellChat(conversationId, { type: 'path-changed', path: storage.messages.path(headId) })
  }

  return storage.onChange((change: StorageChange) => {
    switch (change.type) {
      case 'conversation-changed':
        hub.tellList(change)
        hub.tellChat(change.conversation.id, change)
        break
      case 'conversation-gone':
        toldHeads.delete(change.conversationId)
        hub.tellList(change)
        hub.tellChat(change.conversationId, { type: 'conversation-gone' })
        break
      case 'folder-changed':
      case 'folder-gone':
      case 'new-conversation':
        hub.tellList(change)
        break
      case 'message-changed':
        hub.tellChat(change.message.conversationId, change)
        break
      case 'path-changed':
        tellPath(change.conversationId)
        break
      case 'draft-changed':
        hub.tellChat(change.conversationId, { type: 'draft-changed', draft: change.draft })
        break
      case 'draft-settings-changed':
        hub.tellChat(change.conversationId, { type: 'draft-settings-changed', draftSettings: change.draftSettings })
        break
      // Told by the streams that watch for them.
      case 'settings-changed':
      case 'notice-changed':
      case 'api-keys-changed':
        break
    }
  })
}
