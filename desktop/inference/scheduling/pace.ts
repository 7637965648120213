/** Chooses the threads of each batch by how long the ones before took. */
export interface Pace {
  threads(): number
  took(tokens: number, ms: number): void
}

/** So many times its best is slower than a busy neighbour makes it, and far quicker than the collapse: that is 20 to 100 times. */
const COLLAPSED = 4
const ROUNDS = 3
const SHORTEST_MS = 2_000
const LONGEST_MS = 30_000

/**
 * ggml's threads wait for one another by spinning. When another program takes a core, they spin for a thread that does not run, and a token
 * takes half a second instead of 25 ms. Then one thread less is much faster; every now and then all are tried again.
 */
export function createPace(threads: number, now: () => number = () => performance.now()): Pace {
  /** Best time of a token, by the size of its batch (in powers of two). */
  const best = new Map<number, number>()
  let slow: number[] = []
  let fewerUntil = 0
  let waitMs = SHORTEST_MS
  let good = 0
  /** What a token took when all threads were too many, and what it takes with fewer, until it is known which is better. */
  let trial: { size: number; before: number; after: number[] } | undefined

  const fewer = () => threads > 1 && now() < fewerUntil
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

  return {
    threads: () => (fewer() ? threads - 1 : threads),
    took(tokens, ms) {
      if (threads === 1) return
      const size = Math.floor(Math.log2(tokens))
      const each = ms / tokens
      if (fewer()) {
        if (trial?.size !== size) return
        trial.after.push(each)
        if (trial.after.length < ROUNDS) return
        // No better: it is slow for another reason, such as a long context, and that is its pace now.
        if (mean(trial.after) > trial.before * 0.7) {
          best.set(size, trial.before)
          fewerUntil = 0
        }
        trial = undefined
        return
      }
      const usual = best.get(size)
      if (usual !== undefined && each > usual * COLLAPSED) {
        slow.push(each)
        if (slow.length < ROUNDS) return
        trial = { size, before: mean(slow), after: [] }
        fewerUntil = now() + waitMs
        waitMs = Math.min(waitMs * 2, LONGEST_MS)
        slow = []
        good = 0
        return
      }
      slow = []
      // A token slowly takes longer as its context grows.
      best.set(size, Math.min(each, (usual ?? Infinity) * 1.002))
      if (++good >= 100) waitMs = SHORTEST_MS
    },
  }
}
