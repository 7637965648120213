import { failure } from '@fusion/shared/contract/failures.ts'

export interface Place {
  /** Gives the place to the next in line. Once. */
  leave(): void
}

export interface Queue {
  /**
   * Resolves when the request may be computed. Refuses with `overloaded` when too many wait already and the client has its share of the line,
   * and with the signal's reason when it aborts first. `client` is whoever asks: clients take turns, so that one with a hundred requests does
   * not hold up one with a single one.
   */
  enter(modelId: string, client: string, signal: AbortSignal): Promise<Place>
  /** How many are computed, and how many wait. */
  load(modelId: string): { running: number; waiting: number }
  /** More may run than before, as after a model was loaded. */
  pump(modelId: string): void
}

export interface QueueOptions {
  /** How many requests of a model may be computed at once. */
  places: (modelId: string) => number
  /** How many may wait, for all models together, before clients that wait already are refused. */
  maxWaiting: number
}

interface Waiting {
  client: string
  admit: () => void
}

/** Who is computed next: one line per model, in which clients take turns, each in the order of its own requests. */
export function createQueue({ places, maxWaiting }: QueueOptions): Queue {
  const running = new Map<string, number>()
  const lines = new Map<string, Waiting[]>()
  /** For each client, when it was last admitted: the one longest ago is next. There are no more of them than keys. */
  const admitted = new Map<string, number>()
  let admissions = 0

  const runningOf = (modelId: string) => running.get(modelId) ?? 0
  const lineOf = (modelId: string) => lines.get(modelId) ?? []

  /** One client that fills the line keeps no other out: that one is let in until it has its share. */
  function isFullFor(client: string): boolean {
    const waiting = [...lines.values()].flat()
    if (waiting.length < maxWaiting) return false
    const own = waiting.filter(one => one.client === client)
    const clients = new Set([client, ...waiting.map(one => one.client)])
    return own.length >= maxWaiting / clients.size
  }

  function pump(modelId: string): void {
    const line = lineOf(modelId)
    while (line.length > 0 && runningOf(modelId) < places(modelId)) {
      // A stable choice: of one client's requests the first.
      const next = line.reduce((best, one) => ((admitted.get(one.client) ?? 0) < (admitted.get(best.client) ?? 0) ? one : best))
      line.splice(line.indexOf(next), 1)
      admitted.set(next.client, ++admissions)
      running.set(modelId, runningOf(modelId) + 1)
      next.admit()
    }
    if (line.length === 0) lines.delete(modelId)
  }

  return {
    async enter(modelId, client, signal) {
      signal.throwIfAborted()
      const line = lines.get(modelId) ?? []
      const busy = runningOf(modelId) >= places(modelId) || line.length > 0
      if (busy && isFullFor(client)) throw failure('overloaded', undefined, { retryable: true })
      lines.set(modelId, line)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const own: Waiting = { client, admit: resolve }
      const giveUp = () => {
        const at = line.indexOf(own)
        if (at < 0) return
        line.splice(at, 1)
        reject(signal.reason as Error)
      }
      line.push(own)
      signal.addEventListener('abort', giveUp, { once: true })
      pump(modelId)
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
      let left = false
      return {
        leave() {
          if (left) return
          left = true
          running.set(modelId, runningOf(modelId) - 1)
          pump(modelId)
        },
      }
    },
    load: modelId => ({ running: runningOf(modelId), waiting: lineOf(modelId).length }),
    pump,
  }
}
