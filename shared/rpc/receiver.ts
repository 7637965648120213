/** The listening half of a port, the same for every transport. */
export interface Receiver {
  deliver: (message: unknown) => void
  end: () => void
  readonly ended: boolean
  onMessage: (listener: (message: unknown) => void) => void
  onClose: (listener: () => void) => void
}

/**
 * Keeps what arrives before anybody listens, so that no transport loses the first messages of a fresh connection. Tells the end once to
 * every listener, and at once to one that comes after it. What arrives after the end is dropped.
 */
export function createReceiver(): Receiver {
  const closeListeners = new Set<() => void>()
  let early: unknown[] = []
  let listener: ((message: unknown) => void) | undefined
  let ended = false
  return {
    get ended() {
      return ended
    },
    deliver(message) {
      if (ended) return
      if (listener) listener(message)
      else early.push(message)
    },
    end() {
      if (ended) return
      ended = true
      for (const tell of closeListeners) tell()
      closeListeners.clear()
    },
    onMessage(next) {
      listener = next
      const kept = early
      early = []
      for (const message of kept) next(message)
    },
    onClose(tell) {
      if (ended) tell()
      else closeListeners.add(tell)
    },
  }
}
