// Which of several servers answers: the one decision that the router's simulation and the running cloud share.

export interface Candidate {
  /** Requests that it has, those that wait in it included. */
  load: number
  /** Blocks of this prompt, from its beginning on, that it has read lately. */
  matched: number
}

/**
 * How much load counts against a prefix that is there already. 1 is the best simple weight that was published (vLLM production-stack, pull request
 * 1035); `npm run bench -- router` shows what half and twice of it do.
 */
export const LOAD_WEIGHT = 1

/** `matched/prompt − weight · (load − mean)/max(1, mean)`: the share of the prompt that need not be computed, against being busier than most. */
export function scoreOf({ load, matched }: Candidate, { blocks, mean, weight }: { blocks: number; mean: number; weight: number }): number {
  return (blocks === 0 ? 0 : matched / blocks) - (weight * (load - mean)) / Math.max(1, mean)
}

/**
 * The candidate with the best score; of equal ones any, by chance: several routers that look at the same figures would otherwise all send a burst to
 * the same server. `blocks`: of the whole prompt. There must be a candidate.
 */
export function chooseServer<One extends Candidate>(
  candidates: readonly One[],
  { blocks, weight = LOAD_WEIGHT, random = Math.random }: { blocks: number; weight?: number; random?: () => number },
): One {
  const mean = candidates.reduce((sum, { load }) => sum + load, 0) / candidates.length
  const scores = candidates.map(one => scoreOf(one, { blocks, mean, weight }))
  const best = Math.max(...scores)
  const equal = candidates.filter((_, index) => scores[index]! >= best - 1e-9)
  return equal[Math.floor(random() * equal.length)]!
}
