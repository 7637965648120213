export interface EngineDrift {
  /** Tokens that the engine says it made, and those that its answers told. */
  engine: number
  told: number
}

/** More than one in a hundred, and more than a few answers. */
const DRIFT = 0.01
const LEAST_TOKENS = 1_000

/**
 * What a server's engine says it made, held against what its answers told us: where both differ, somebody else uses it, or something is not counted. Only
 * spans count in which every answer was whole, since of one that was left the engine made more than anybody read.
 */
export function createEngineAccount({ onDrift }: { onDrift: (drift: EngineDrift) => void }) {
  let told = 0
  let base: EngineDrift | undefined
  return {
    /** A whole answer of so many tokens. */
    told: (tokens: number) => void (told += tokens),
    /** An answer was left, or did not say how long it was. */
    cut: () => void (base = undefined),
    /** The engine's own count, read while nothing was under way. */
    seen(engine: number): void {
      const before = base
      base = { engine, told }
      if (!before || engine < before.engine) return
      const span = { engine: engine - before.engine, told: told - before.told }
      const difference = Math.abs(span.engine - span.told)
      if (difference <= LEAST_TOKENS || difference <= DRIFT * span.engine) {
        // Of a small span little can be said: it grows until it is long enough.
        if (span.engine < LEAST_TOKENS / DRIFT) base = before
        return
      }
      onDrift(span)
    },
  }
}
