/** Runs long work in slices between other things, so that nothing waits longer than one slice. */
export interface Slices {
  /** Starts, or goes on, where the work is not under way already. `work` does one slice, and returns true when nothing is left. */
  start(): void
  /** Resolves when nothing is left; rejects with what the work threw. */
  done(): Promise<void>
  stop(): void
}

/** Between two slices: as long as the last one took, so that half of the time belongs to others. */
const MAX_PAUSE_MS = 15

export function createSlices(work: () => boolean): Slices {
  let timer: NodeJS.Timeout | undefined
  let waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []
  let stopped = false
  let pause = MAX_PAUSE_MS

  function settle(tell: (one: (typeof waiting)[number]) => void): void {
    const told = waiting
    waiting = []
    for (const one of told) tell(one)
  }

  function slice(): void {
    timer = undefined
    const began = performance.now()
    try {
      if (work()) return settle(one => one.resolve())
    } catch (error) {
      return settle(one => one.reject(error))
    }
    pause = Math.min(MAX_PAUSE_MS, performance.now() - began)
    start()
  }

  function start(): void {
    if (stopped || timer) return
    timer = setTimeout(slice, pause)
    // Waiting work alone does not keep the process alive: it goes on at the next start.
    if (waiting.length === 0) timer.unref()
  }

  return {
    start,
    done() {
      if (stopped) return Promise.reject(new Error('The storage was closed'))
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
