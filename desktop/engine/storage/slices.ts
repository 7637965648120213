/** Runs long work in slices between other things, so that nothing waits longer than one slice. */
export interface Slices {
  /** Starts, or goes on, where the work is not under way already. `work` does one slice, and returns true when nothing is left. */
  start(): void
  /** Resolves when nothing is left; rejects with what the work threw. */
  done(): Promise<void>
  stop(): void
}

/** Between two slices: as long as a slice takes, so that half of the time belongs to others. */
const PAUSE_MS = 10

export function createSlices(work: () => boolean): Slices {
  let timer: NodeJS.Timeout | undefined
  let waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []
  let stopped = false

  function settle(tell: (one: (typeof waiting)[number]) => void): void {
    const told = waiting
    waiting = []
    for (const one of told) tell(one)
  }

  function slice(): void {
    timer = undefined
    try {
      if (work()) return settle(one => one.resolve())
    } catch (error) {
      return settle(one => one.reject(error))
    }
    start()
  }

  function start(): void {
    if (stopped || timer) return
    timer = setTimeout(slice, PAUSE_MS)
    // Waiting work alone does not keep the process alive: it goes on at the next start.
    if (waiting.length === 0) timer.unref()
  }

  return {
    start,
    done() {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        timer?.ref()
        start()
      })
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      timer = undefined
      settle(one => one.reject(new Error('The storage was closed')))
    },
  }
}
