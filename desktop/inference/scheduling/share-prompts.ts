import { isAnswer, isGrowing, type Running } from './jobs.ts'

/** The largest batch: 512 tokens are 2.5 s on two slow cores, and larger ones gain nothing. */
export const BATCH_TOKENS = 512

/** What growing answers compute next: all the tokens that were chosen for each. */
export function shareSteps(running: readonly Running[]): Map<Running, number> {
  return new Map(running.flatMap(entry => (entry.next ? [[entry, entry.next.length]] : [])))
}

/**
 * How many tokens of its prompt each job gets in the next batch; `round` counts the batches. `sliceTokens` says how many fit where something
 * would pause for them; its argument says whether growing answers would.
 */
export function sharePrompts(
  running: readonly Running[],
  round: number,
  sliceTokens: (answersGrow: boolean) => number,
): Map<Running, number> {
  const shares = new Map<Running, number>()
  const prompts = running.filter(entry => !isGrowing(entry) && !entry.job.signal.aborted)
  const answers = prompts.filter(isAnswer)
  const urgency = ({ job }: Running) => (job.kind === 'answer' ? job.priority : 0)
  // A person's prompt does not go in slices for the sake of programs.
  const mostUrgent = Math.min(...answers.map(urgency))
  const answersGrow = running.some(entry => isGrowing(entry) && urgency(entry) <= mostUrgent)
  const prefilling = answers.length > 0 || running.some(isGrowing) ? answers : prompts
  // Drafts go in slices too, so that an answer that comes is not kept waiting.
  let room = answersGrow || answers.length === 0 ? sliceTokens(answersGrow) : BATCH_TOKENS
  const left = (entry: Running) => entry.job.tokens.length - entry.slot.tokens.length
  // People before programs. Then the shortest first, so that a short question does not wait for a long one; every other round the oldest, so
  // that the long one is not starved.
  prefilling.sort((a, b) => urgency(a) - urgency(b) || (round % 2 === 0 ? a.order - b.order : left(a) - left(b) || a.order - b.order))
  for (const entry of prefilling) {
    const count = Math.min(left(entry), room)
    if (count <= 0) continue
    shares.set(entry, count)
    room -= count
  }
  return shares
}
