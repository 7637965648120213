import type { Measured } from './model-files.ts'

/** So long nothing may change in a file before it is read: programs that download write every second or so. */
export const SETTLE_MS = 1_500

/** Tells files that are whole from those that are still being written, by their size and time of change. */
export interface Settling {
  /** True when the file stayed as it is for `SETTLE_MS`; else it is to be asked again after that. */
  isSettled(path: string, measured: Measured): boolean
}

export function createSettling(): Settling {
  const seen = new Map<string, Measured & { at: number }>()
  return {
    isSettled(path, measured) {
      const before = seen.get(path)
      const same = before?.bytes === measured.bytes && before.mtimeMs === measured.mtimeMs
      // Two looks as well as the clock: a file's time can lie in the future, or be that of the file it is copied from.
      const settled = Date.now() - measured.mtimeMs >= SETTLE_MS || (same && performance.now() - before.at >= SETTLE_MS)
      if (settled) seen.delete(path)
      else if (!same) seen.set(path, { ...measured, at: performance.now() })
      return settled
    },
  }
}
