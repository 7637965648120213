import type { Message } from '@fusion/shared/chat/message.ts'

/**
 * The bodies of the open chat's messages, each with its own listeners: a growing answer wakes the one component that shows it,
 * and a chat of ten thousand messages is never copied for one of them.
 */
export interface MessageShelf {
  get(id: string): Message | undefined
  put(message: Message): void
  /** Empties it; messages that are finished can be kept, as they never change. */
  clear(keep?: (message: Message) => boolean): void
  subscribe(id: string, listener: () => void): () => void
}

export function createMessageShelf(): MessageShelf {
  const messages = new Map<string, Message>()
  const listeners = new Map<string, Set<() => void>>()
  const tell = (id: string) => {
    for (const listener of listeners.get(id) ?? []) listener()
  }

  return {
    get: id => messages.get(id),
    put(message) {
      messages.set(message.id, message)
      tell(message.id)
    },
    clear(keep) {
      for (const [id, message] of messages) {
        if (keep?.(message)) continue
        messages.delete(id)
        tell(id)
      }
    },
    subscribe(id, listener) {
      const own = listeners.get(id) ?? new Set()
      listeners.set(id, own)
      own.add(listener)
      return () => {
        own.delete(listener)
        if (own.size === 0 && listeners.get(id) === own) listeners.delete(id)
      }
    },
  }
}
