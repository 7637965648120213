import { Failure } from './failure.ts'

/** A queue from a producer that cannot wait (an event emitter) to a reader that can (an RPC stream). */
export interface Mailbox<T> extends AsyncIterable<T> {
  /** Adds an item. A full mailbox first asks `merge` to make room; if it can't, its reader gets `fell-behind`, subscribes again and is told the whole state anew. */
  push(item: T): void
  end(): void
}

export interface MailboxOptions<T> {
  limit?: number
  /** Joins `next` into `last` (two text deltas into one), or gives undefined where they can't be joined. Tried at every push while the reader is behind. */
  merge?: (last: T, next: T) => T | undefined
  signal: AbortSignal
}

/** Bounded by `limit` (default 1,000 items): a reader that stays behind loses its subscription, not the engine its memory. */
export function createMailbox<T>({ limit = 1000, merge, signal }: MailboxOptions<T>): Mailbox<T> {
  let items: T[] = []
  let wake = Promise.withResolvers<void>()
  let ended = false
  let error: Error | undefined
  const end = () => {
    ended = true
    wake.resolve()
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()

  return {
    push(item) {
      if (ended) return
      const last = items.at(-1)
      const merged = merge && last !== undefined ? merge(last, item) : undefined
      if (merged !== undefined) items[items.length - 1] = merged
      else if (items.length < limit) items.push(item)
      else {
        error = new Failure('fell-behind', 'The reader was too slow', { retryable: true })
        items = []
        return end()
      }
      wake.resolve()
    },
    end,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          while (items.length > 0) yield items.shift() as T
          if (error) throw error
          if (ended) return
          await wake.promise
          wake = Promise.withResolvers<void>()
        }
      } finally {
        ended = true
        items = []
        signal.removeEventListener('abort', end)
      }
    },
  }
}
