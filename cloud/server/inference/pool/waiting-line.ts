// Who is next when servers are full.

export interface Waiter {
  /** Whose turn it is among others: a person, or a key. */
  who: string
  /** Lower ones come first. */
  rank: number
  /** Whether it could go now: others do not wait behind one that can't. */
  ready: () => boolean
  /** Called when its turn has come; it is out of the line by then. */
  go: () => void
}

interface Waiting extends Waiter {
  start: number
  order: number
}

export type WaitingLine = ReturnType<typeof createWaitingLine>

/** So often the turn is that of whoever waits longest, of any rank: nobody waits for ever behind a stream of better ranks. */
const ANY_RANK_EVERY = 8

/**
 * Start-time fair queueing (Goyal, Vin, Cheng, 1996) within each rank: everybody's requests are laid out one behind the other on a clock of turns, so
 * that whoever sent hundreds waits behind the first of everybody else.
 */
export function createWaitingLine() {
  const waiting = new Set<Waiting>()
  const nextStart = new Map<string, number>()
  let turn = 0
  let order = 0
  let taken = 0

  const isBefore = (one: Waiting, other: Waiting): boolean =>
    one.rank !== other.rank ? one.rank < other.rank : one.start !== other.start ? one.start < other.start : one.order < other.order

  function first(): Waiting | undefined {
    let best: Waiting | undefined
    // A set keeps the order in which they came.
    const anyRank = (taken + 1) % ANY_RANK_EVERY === 0
    for (const one of waiting) {
      if ((best && (anyRank || !isBefore(one, best))) || !one.ready()) continue
      best = one
    }
    return best
  }

  return {
    /** Returns how to leave without having had a turn. */
    enter(waiter: Waiter): { leave(): void; ahead(): number } {
      const flow = `${waiter.rank} ${waiter.who}`
      const start = Math.max(turn, nextStart.get(flow) ?? 0)
      nextStart.set(flow, start + 1)
      const mine: Waiting = { ...waiter, start, order: order++ }
      waiting.add(mine)
      return {
        leave: () => void waiting.delete(mine),
        /** How many have their turn before it, as things are. */
        ahead: () => [...waiting].filter(one => one !== mine && isBefore(one, mine)).length,
      }
    },
    /** Gives the turn to the next one that is ready; false where there is none. */
    call(): boolean {
      const next = first()
      if (!next) return false
      taken += 1
      waiting.delete(next)
      turn = Math.max(turn, next.start)
      if (waiting.size === 0) nextStart.clear()
      next.go()
      return true
    },
    size: () => waiting.size,
  }
}
