import type { Hub } from './hub.ts'

/** Text reaches the disk at most this long after it was made; the promise is 250 ms. */
const FLUSH_MS = 100

export interface GrowingAnswer {
  append(part: 'text' | 'reasoning', text: string): void
  /** Writes what is not on disk yet. Throws what the storage throws, and keeps the text for the next try. */
  flush(): void
  close(): void
}

/**
 * An answer while it grows: told to open pages at once, appended to the disk in small batches.
 * `onTrouble` is called once when a batch can't be written (a full disk); what was made stays in memory for `flush`.
 */
export function createGrowingAnswer(options: {
  hub: Hub
  grow: (messageId: string, part: 'text' | 'reasoning', text: string) => void
  conversationId: string
  messageId: string
  /** Lengths of the parts it begins with, where an earlier answer is gone on from. */
  lengths: { text: number; reasoning: number }
  onTrouble: (error: unknown) => void
}): GrowingAnswer {
  const { hub, grow, conversationId, messageId, lengths, onTrouble } = options
  let unwritten: { part: 'text' | 'reasoning'; text: string }[] = []
  let timer: NodeJS.Timeout | undefined
  let inTrouble = false

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    while (unwritten[0]) {
      grow(messageId, unwritten[0].part, unwritten[0].text)
      unwritten.shift()
    }
  }

  function flushLater(): void {
    timer = undefined
    try {
      flush()
      inTrouble = false
    } catch (error) {
      if (!inTrouble) onTrouble(error)
      inTrouble = true
    }
  }

  return {
    append(part, text) {
      if (text === '') return
      const last = unwritten.at(-1)
      if (last?.part === part) last.text += text
      else unwritten.push({ part, text })
      hub.tellChat(conversationId, { type: 'text-delta', messageId, part, at: lengths[part], text })
      lengths[part] += text.length
      timer ??= setTimeout(flushLater, FLUSH_MS)
    },
    flush,
    close() {
      clearTimeout(timer)
      unwritten = []
    },
  }
}
