import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { TailEntry } from './event-tail.ts'

/**
 * The events of a generation that this server makes, from the first on: its followers read here, each at its own pace, so that a slow one
 * costs no memory of its own. Seq 1 is the first. What is made is not seen before it is shown.
 */
export interface LiveLog {
  append(entry: TailEntry): void
  /** Entries after `after`, also those that are not shown yet. */
  made(after: number): readonly TailEntry[]
  /** How many there are. */
  count(): number
  /** Those up to this one may be seen. */
  show(upTo: number): void
  /** Those up to this one may be written down, though nobody sees them before they are. */
  allow(upTo: number): void
  /** How many may be written down: all that may be seen, at least. */
  allowed(): number
  /** Events after `after` that may be seen, some hundred at a time: what a slow reader was handed waits in memory until it is sent. */
  read(after: number): readonly GenerationEvent[]
  /** Of the newest event that may be seen. */
  seq(): number
  /** The last event may be seen. */
  ended(): boolean
  /** Resolves when it is. */
  done: Promise<void>
  /** Resolves when more may be seen or written down, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>
  /** Resolves when more was made than this. */
  grown(than: number): Promise<void>
}

const BATCH = 500

export function createLiveLog(before: readonly TailEntry[] = []): LiveLog {
  const entries: TailEntry[] = [...before]
  let shown = entries.length
  let allowed = shown
  let waiting: (() => void)[] = []
  let growing: (() => void)[] = []
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  const ended = () => shown > 0 && isLast(entries[shown - 1]!.event)
  const wakeAll = (asleep: (() => void)[]) => {
    for (const wake of asleep) wake()
  }
  function wakeWaiting(): void {
    const awake = waiting
    waiting = []
    wakeAll(awake)
  }
  return {
    done,
    append(entry) {
      entries.push(entry)
      const awake = growing
      growing = []
      wakeAll(awake)
    },
    made: after => entries.slice(after),
    count: () => entries.length,
    show(upTo) {
      if (upTo <= shown) return
      shown = upTo
      if (ended()) finish()
      wakeWaiting()
    },
    allow(upTo) {
      if (upTo <= Math.max(shown, allowed)) return
      allowed = upTo
      wakeWaiting()
    },
    allowed: () => Math.max(shown, allowed),
    read: after => entries.slice(after, Math.min(shown, after + BATCH)).map(({ event }) => event),
    seq: () => shown,
    ended,
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
    grown: than =>
      new Promise(resolve => {
        if (entries.length > than) resolve()
        else growing.push(resolve)
      }),
  }
}

/** Whether nothing comes after it. */
export const isLast = ({ type }: GenerationEvent): boolean =>
  type === 'generation-finish' || type === 'generation-stop' || type === 'generation-fail'
