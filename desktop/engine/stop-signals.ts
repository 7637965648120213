/** A terminal's Ctrl-C reaches the whole group of processes, and npm passes it on once more: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 500

/** Calls `close` at the first SIGINT or SIGTERM and ends the process after it; a second signal ends the process at once. */
export function onStopSignal(close: () => Promise<void>, sameSignalMs = SAME_SIGNAL_MS): void {
  let firstAt: number | undefined
  const stop = () => {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt > sameSignalMs) process.exit(1)
      return
    }
    firstAt = performance.now()
    void close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
