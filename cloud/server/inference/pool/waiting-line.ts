// Who is next when servers are full.

export interface Waiter {
  /** Whose turn it is among others: a person, with all of their keys. */
  who: string
  /** Lower ones come first. */
  rank: number
  /** Whether it could go now: others do not wait behind one that can't. */
  ready: () => boolean
  /** Called when its turn has come; it is out of the line by then. */
  go: () => void
  /** Called where the line is too long, and it is the last: it has to leave. */
  displace?: () => void
  /** Called by `tellPlaces`: how many have their turn before it. */
  placed?: (ahead: number) => void
}

interface Waiting extends Waiter {
  flow: string
  /** The turn at which it came. */
  came: number
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
      const mine: Waiting = { ...waiter, flow, came: turn, start, order: order++ }
      waiting.add(mine)
      return {
        /** Its turn is that of the next one of the same: whoever is refused, or tries again and again, is not moved back by that. */
        leave(): void {
          if (!waiting.delete(mine)) return
          let free = mine.start
          for (const one of waiting) {
            if (one.flow !== flow || one.start < mine.start) continue
            one.start = Math.min(one.start, Math.max(one.came, free))
            free = one.start + 1
          }
          nextStart.set(flow, free)
        },
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
    /** All at once: to ask one after the other takes as long as the square of how many there are. */
    tellPlaces(): void {
      const inOrder = [...waiting].toSorted((one, other) => (isBefore(one, other) ? -1 : 1))
      for (const [ahead, one] of inOrder.entries()) one.placed?.(ahead)
    },
    /** The one whose turn is last has to leave. */
    displaceLast(): void {
      let last: Waiting | undefined
      for (const one of waiting) if (!last || isBefore(last, one)) last = one
      last?.displace?.()
    },
  }
}
