import type { ChatEvent, ListEvent } from '@fusion/shared/contract/engine.ts'

/** Where the parts of the engine tell what changed, and open pages listen. One for the list of chats, one for each open chat. */
export interface Hub {
  tellChat(conversationId: string, event: ChatEvent): void
  tellList(event: ListEvent): void
  onChat(conversationId: string, listener: (event: ChatEvent) => void): () => void
  onList(listener: (event: ListEvent) => void): () => void
  /** Whether any page has this chat open. */
  isOpen(conversationId: string): boolean
  /** Chats that some page has open. */
  open(): string[]
}

export function createHub(): Hub {
  const chats = new Map<string, Set<(event: ChatEvent) => void>>()
  const lists = new Set<(event: ListEvent) => void>()
  return {
    tellChat(conversationId, event) {
      chats.get(conversationId)?.forEach(listener => listener(event))
    },
    tellList(event) {
      lists.forEach(listener => listener(event))
    },
    onChat(conversationId, listener) {
      const listeners = chats.get(conversationId) ?? new Set()
      chats.set(conversationId, listeners)
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && chats.get(conversationId) === listeners) chats.delete(conversationId)
      }
    },
    onList(listener) {
      lists.add(listener)
      return () => lists.delete(listener)
    },
    isOpen: conversationId => chats.has(conversationId),
    open: () => [...chats.keys()],
  }
}
