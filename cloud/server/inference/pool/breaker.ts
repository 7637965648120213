const FIRST_WAIT_MS = 500
/** After a trial that failed: half a second, and at every further one twice as long. */
const MOST_DOUBLINGS = 6
/** After a loss, where trials pass: a server that goes up and down is asked ever less, but one that stands alone is not kept away for long. */
const MOST_FLAP_DOUBLINGS = 3
/** One that stayed up so long is not flapping. */
const STEADY_MS = 30_000

/** Whether a server is asked. It opens at the first loss, and closes when a trial has passed: nobody's request is the trial. */
export function createBreaker(now: () => number) {
  let closed = false
  let closedAt = -Infinity
  let failedTrials = 0
  let flaps = 0
  let trialAt = 0
  return {
    isClosed: () => closed,
    /** A trial may be made. */
    trialDue: () => !closed && now() >= trialAt,
    /** It broke off, or a trial failed. Several requests that were lost together are one loss. */
    lost(): void {
      const at = now()
      if (!closed && at < trialAt) return
      if (closed) flaps = at - closedAt < STEADY_MS ? Math.min(flaps + 1, MOST_FLAP_DOUBLINGS) : 0
      else failedTrials = Math.min(failedTrials + 1, MOST_DOUBLINGS)
      closed = false
      trialAt = at + FIRST_WAIT_MS * 2 ** Math.max(failedTrials, flaps)
    },
    passed(): void {
      if (!closed) closedAt = now()
      closed = true
      failedTrials = 0
    },
  }
}
