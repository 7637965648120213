import type { Hub } from './hub.ts'

/** Text reaches the disk at most this long after it was made; the promise is 250 ms. */
const FLUSH_MS = 100

export interface GrowingAnswer {
  /** `event`: the cloud's number of the event that the text came with, for an answer of the cloud. */
  append(part: 'text' | 'reasoning', text: string, event?: number): void
  /** Writes what is not on disk yet. Throws what the storage throws, and keeps the text for the next try. */
  flush(): void
  /** Writes what can be written, and closes. */
  leave(): void
  close(): void
}

/**
 * An answer while it grows: told to open pages at once, appended to the disk in small batches.
 * `onTrouble` is called once when a batch can't be written (a full disk); what was made stays in memory for `flush`.
 */
export function createGrowingAnswer(options: {
  hub: Hub
  grow: (messageId: string, part: 'text' | 'reasoning', text: string, event: number | undefined) => void
  conversationId: string
  messageId: string
  /** Lengths of the parts it begins with, where an earlier answer is gone on from. */
  lengths: { text: number; reasoning: number }
  onTrouble: (error: unknown) => void
}): GrowingAnswer {
  const { hub, grow, conversationId, messageId, lengths, onTrouble } = options
  let unwritten: { part: 'text' | 'reasoning'; text: string; event: number | undefined }[] = []
  let timer: NodeJS.Timeout | undefined
  let inTrouble = false

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    while (unwritten[0]) {
      grow(messageId, unwritten[0].part, unwritten[0].text, unwritten[0].event)
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
    append(part, text, event) {
      if (text === '') return
      const last = unwritten.at(-1)
      if (last?.part === part) Object.assign(last, { text: last.text + text, event })
      else unwritten.push({ part, text, event })
      hub.tellChat(conversationId, { type: 'text-delta', messageId, part, at: lengths[part], text })
      lengths[part] += text.length
      timer ??= setTimeout(flushLater, FLUSH_MS)
    },
    flush,
    leave() {
      clearTimeout(timer)
      flushLater()
    },
    close() {
      clearTimeout(timer)
      unwritten = []
    },
  }
}
