// How often something may happen: GCRA (ITU-T I.371), which needs one number for each key, the time at which its debt is paid.

export interface Limit {
  /** Whose it is; those that are taken from together are of one tenant: `{organisation}:user:…`. */
  key: string
  /** So many in `perMs`, evenly over the time. */
  limit: number
  perMs: number
  /** So many at once. */
  burst: number
}

export interface Taken {
  allowed: boolean
  /** 0 where it was allowed; else when as much as was asked for is there. */
  retryAfterMs: number
  /** How many more there are at once, of the limit that has fewest. */
  remaining: number
  /** Which one that is, and when all of it is there again. */
  tightest: number
  resetMs: number
}

export interface Limits {
  /** Takes `cost` from all of these, or from none where one of them has too little. What costs more than a whole burst takes the burst. */
  take(limits: readonly Limit[], cost?: number): Promise<Taken>
}

export interface MemoryLimitsOptions {
  /** Milliseconds. */
  clock?: () => number
  /** Keys at most: the one that was taken from longest ago is forgotten first. */
  keys?: number
}

/** What fractions of milliseconds lose on their way. */
export const ROUNDING_MS = 0.1

/** In this process alone. */
export function createMemoryLimits({ clock = () => performance.now(), keys: most = 100_000 }: MemoryLimitsOptions = {}): Limits {
  const paid = new Map<string, number>()
  return {
    async take(limits, cost = 1) {
      const now = clock()
      const debts = limits.map(limit => debtOf(limit, paid.get(limit.key), now, cost))
      const allowed = debts.every(({ waitMs }) => waitMs === 0)
      const left = debts.map(({ beforeMs, afterMs }) => (allowed ? afterMs : beforeMs))
      // Written after a refusal too: the clock may have been set back, and the next one has to wait no longer than was said.
      for (const [index, { key }] of limits.entries()) {
        paid.delete(key)
        if (left[index]! > 0) paid.set(key, now + left[index]!)
        if (paid.size > most) paid.delete(paid.keys().next().value!)
      }
      return takenOf(limits, left, Math.max(0, ...debts.map(({ waitMs }) => waitMs)))
    },
  }
}

/** What a key owes before and after, and how long it has to wait for that. */
function debtOf(limit: Limit, paidAt: number | undefined, now: number, cost: number) {
  const each = limit.perMs / limit.limit
  const most = limit.burst * each
  // Nobody owes more than a burst: where it looks so, the clock was set back.
  const beforeMs = Math.min(Math.max((paidAt ?? now) - now, 0), most)
  const afterMs = beforeMs + Math.min(cost, limit.burst) * each
  return { beforeMs, afterMs, waitMs: afterMs - most < ROUNDING_MS ? 0 : afterMs - most }
}

/** `debts`: what each key owes now, in ms. `waitMs`: 0 where it was allowed. */
export function takenOf(limits: readonly Limit[], debts: readonly number[], waitMs: number): Taken {
  let taken: Taken = { allowed: waitMs <= 0, retryAfterMs: Math.ceil(waitMs), remaining: Infinity, tightest: 0, resetMs: 0 }
  for (const [tightest, { limit, perMs, burst }] of limits.entries()) {
    const debt = debts[tightest]!
    const remaining = Math.max(0, Math.floor(burst - ((debt - ROUNDING_MS) * limit) / perMs))
    if (remaining < taken.remaining) taken = { ...taken, remaining, tightest, resetMs: Math.ceil(debt) }
  }
  return taken
}
