import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'

/**
 * The events of a generation that this server makes, from the first on: its followers read here, each at its own pace, so that a slow one
 * costs no memory of its own. Seq 1 is the first.
 */
export interface LiveLog {
  append(event: GenerationEvent): void
  /** Events after `after`, some hundred at a time: what a slow reader was handed waits in memory until it is sent. */
  read(after: number): readonly GenerationEvent[]
  seq(): number
  ended(): boolean
  /** Resolves at the last event. */
  done: Promise<void>
  /** Resolves at the next event, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>
}

const BATCH = 500

export function createLiveLog(): LiveLog {
  const events: GenerationEvent[] = []
  let waiting: (() => void)[] = []
  let ended = false
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  return {
    done,
    append(event) {
      events.push(event)
      ended = isLast(event)
      if (ended) finish()
      const awake = waiting
      waiting = []
      for (const wake of awake) wake()
    },
    read: after => events.slice(after, after + BATCH),
    seq: () => events.length,
    ended: () => ended,
    changed: signal =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        const wake = () => {
          signal.removeEventListener('abort', wake)
          resolve()
        }
        signal.addEventListener('abort', wake, { once: true })
        waiting.push(wake)
      }),
  }
}

/** Whether nothing comes after it. */
export const isLast = ({ type }: GenerationEvent): boolean =>
  type === 'generation-finish' || type === 'generation-stop' || type === 'generation-fail'
