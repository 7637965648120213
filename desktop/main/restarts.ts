/** Decides after each crash how long to wait before the next start. */
export interface Restarts {
  /** Milliseconds to wait, or undefined: it has crashed too often to go on by itself. */
  next(): number | undefined
  /** Somebody asked to try anew: what was before counts no more. */
  forget(): void
}

const MINUTE = 60_000
const CRASHES_PER_MINUTE = 5
const SHORTEST_MS = 100
const LONGEST_MS = 10_000

/** 100 ms, doubled with each crash up to 10 s until a minute passes without one; the fifth crash within a minute is the last. */
export function createRestarts(now: () => number = () => performance.now()): Restarts {
  let crashes: number[] = []
  let waitMs = SHORTEST_MS
  return {
    next() {
      const at = now()
      const last = crashes.at(-1)
      if (last === undefined || at - last > MINUTE) waitMs = SHORTEST_MS
      crashes = [...crashes.filter(crash => at - crash <= MINUTE), at]
      if (crashes.length >= CRASHES_PER_MINUTE) return undefined
      const wait = waitMs
      waitMs = Math.min(waitMs * 2, LONGEST_MS)
      return wait
    },
    forget() {
      crashes = []
    },
  }
}
