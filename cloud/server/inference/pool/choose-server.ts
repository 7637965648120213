// Which of several servers answers: the one decision that the router's simulation and the running cloud share.

export interface Candidate {
  /** Requests that it has, those that wait in it included. */
  load: number
  /** Requests that it is to have at most. */
  slots: number
  /** Blocks of this prompt, from its beginning on, that it has read lately. */
  matched: number
  /** When it last got a prompt of whose beginning nobody knew: any number that grows. */
  newAt: number
}

/**
 * How much load counts against a prefix that is there already. 1 is the best simple weight that was published (vLLM production-stack, pull request
 * 1035); `npm run bench -- router` shows what half and twice of it do.
 */
export const LOAD_WEIGHT = 1
/**
 * A share of its slots that a server computes together in hardly more time than one: with fewer requests than that it is not busier than others. For
 * Qwen3-32B on two H100 the 32 requests of 256 slots add half to the time of a step.
 */
const AT_ONCE = 1 / 8

interface Choice {
  /** Of the whole prompt. */
  blocks: number
  mean: number
  /** A load of so many is none yet. */
  atOnce: number
  weight: number
}

/** `matched/prompt − weight · (load − mean)/max(1, atOnce, mean)`: the share that need not be computed, against being busier than most. */
export function scoreOf({ load, matched }: Pick<Candidate, 'load' | 'matched'>, { blocks, mean, atOnce, weight }: Choice): number {
  return (blocks === 0 ? 0 : matched / blocks) - (weight * (load - mean)) / Math.max(1, atOnce, mean)
}

const meanOf = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length

/**
 * The candidate with the best score; of equal ones any, by chance: several routers that look at the same figures would otherwise all send a burst to
 * the same server. A prompt whose beginning none has read stays where it goes, with all that begin alike: so servers take turns with them, from 0 for
 * the one whose turn it is to almost 1, as long as they are about as busy. `blocks`: of the whole prompt. There must be a candidate.
 */
export function chooseServer<One extends Candidate>(
  candidates: readonly One[],
  { blocks, weight = LOAD_WEIGHT, random = Math.random }: { blocks: number; weight?: number; random?: () => number },
): One {
  const mean = meanOf(candidates.map(({ load }) => load))
  const atOnce = AT_ONCE * meanOf(candidates.map(({ slots }) => slots))
  const turn = ({ newAt }: One) => candidates.filter(other => other.newAt < newAt).length / candidates.length
  const isNew = isNewTo(candidates)
  const scores = candidates.map(one => scoreOf(one, { blocks, mean, atOnce, weight }) - (isNew ? turn(one) : 0))
  const best = Math.max(...scores)
  const equal = candidates.filter((_, index) => scores[index]! >= best - 1e-9)
  return equal[Math.floor(random() * equal.length)]!
}

/** None of them knows how it begins. */
export const isNewTo = (candidates: readonly Candidate[]): boolean => candidates.every(({ matched }) => matched === 0)
