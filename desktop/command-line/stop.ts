import { constants } from 'node:os'

/** How the person ends what runs: Ctrl-C, a closed terminal, `kill`. */
export interface Stop {
  readonly signal: AbortSignal
  /** The exit code that shells give for the signal that came. */
  code(): number
  /** From now on Ctrl-C calls the listener; what is given ends that. */
  onInterrupt(listener: () => void): () => void
  /** Signals are somebody else's from now on. */
  leave(): void
}

/** A terminal's Ctrl-C reaches the whole group of processes, and npm passes it on once more: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 500

/** The first signal aborts; a later one ends the process at once. */
export function watchSignals(): Stop {
  const controller = new AbortController()
  let code = 0
  let lastAt = Number.NEGATIVE_INFINITY
  let listener: (() => void) | undefined

  function take(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
    const now = performance.now()
    const same = now - lastAt < SAME_SIGNAL_MS
    lastAt = now
    if (same) return
    if (name === 'SIGINT' && listener) return listener()
    if (controller.signal.aborted) process.exit(code)
    code = 128 + constants.signals[name]
    controller.abort()
  }
  const listeners = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => [name, () => take(name)] as const)
  for (const [name, listener] of listeners) process.on(name, listener)
  return {
    signal: controller.signal,
    code: () => code,
    onInterrupt(next) {
      listener = next
      return () => {
        if (listener === next) listener = undefined
      }
    },
    leave() {
      for (const [name, listener] of listeners) process.off(name, listener)
    },
  }
}
