/** What was looked up lately. It may forget anything at any time, and never tells what is older than it was allowed to become. */
export interface Cache {
  /** undefined where it is not known, or no longer. */
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
}

export interface MemoryCacheOptions {
  /** Milliseconds of a clock that only goes forward: a step of the wall clock would keep entries too long. */
  clock?: () => number
  /** More than this, and the one that was set first is forgotten. */
  entries?: number
}

/** In this process alone. */
export function createMemoryCache({ clock = () => performance.now(), entries = 50_000 }: MemoryCacheOptions = {}): Cache {
  const kept = new Map<string, { value: string; until: number }>()
  return {
    async get(key) {
      const entry = kept.get(key)
      if (!entry || clock() < entry.until) return entry?.value
      kept.delete(key)
      return undefined
    },
    async set(key, value, ttlMs) {
      kept.delete(key)
      kept.set(key, { value, until: clock() + ttlMs })
      if (kept.size > entries) kept.delete(kept.keys().next().value!)
    },
    async delete(key) {
      kept.delete(key)
    },
  }
}
