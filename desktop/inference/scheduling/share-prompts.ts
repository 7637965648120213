import { isAnswer, isGrowing, type Running } from './jobs.ts'

/** The largest batch: 512 tokens are 2.5 s on two slow cores, and larger ones gain nothing. */
export const BATCH_TOKENS = 512

/**
 * Tokens of prompts computed with each step of growing answers. More prefills faster and makes the others stutter: behind 1,000 tokens 16 take
 * 96 ms, 32 take 191 and 64 take 273 (0.5B on two cores, Q4_K_M; docs/benchmarks.md).
 */
export const SLICE_TOKENS = 32

/** How many tokens of its prompt each job gets in the next batch; `round` counts the batches. */
export function sharePrompts(running: readonly Running[], round: number): Map<Running, number> {
  const shares = new Map<Running, number>()
  const answersGrow = running.some(isGrowing)
  const prompts = running.filter(entry => !isGrowing(entry) && !entry.job.signal.aborted)
  const answers = prompts.filter(isAnswer)
  const prefilling = answers.length > 0 || answersGrow ? answers : prompts
  // Drafts go in slices too, so that an answer that comes is not kept waiting.
  let room = answersGrow || answers.length === 0 ? SLICE_TOKENS : BATCH_TOKENS
  const left = (entry: Running) => entry.job.tokens.length - entry.slot.tokens.length
  const urgency = ({ job }: Running) => (job.kind === 'answer' ? job.priority : 0)
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
