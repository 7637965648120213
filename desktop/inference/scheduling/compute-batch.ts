import { failure } from '@fusion/shared/contract/failures.ts'
import type { NativeContext } from '../native.ts'
import type { Picked } from '../sampling.ts'
import type { Running } from './jobs.ts'
import type { Pace } from './pace.ts'

/** A job of a batch, with what came of it: tokens where they were to be chosen. */
export interface Computed {
  entry: Running
  picked?: Picked
  error?: unknown
}

/**
 * Computes one batch: for each job so many tokens of its prompt, or those that were chosen last. Then chooses where the last token of
 * a prompt, or of an answer, was computed. Throws `out-of-memory` when llama.cpp can't; what is then left in the sequences is unknown.
 */
export async function computeBatch(
  context: NativeContext,
  shares: ReadonlyMap<Running, number>,
  pace: Pace | undefined,
): Promise<Computed[]> {
  // llama.cpp joins only ascending sequences into one step.
  const batch = [...shares].toSorted(([a], [b]) => a.slot.id - b.slot.id)
  const size = batch.reduce((sum, [, count]) => sum + count, 0)
  const logitsOf = new Map<Running, number>()
  context.initBatch(size)
  for (const [entry, count] of batch) {
    const { slot, job, next } = entry
    const at = slot.tokens.length
    const tokens = next === undefined ? job.tokens.slice(at, at + count) : next
    const samples = job.kind === 'answer' && (next !== undefined || at + count === job.tokens.length)
    const [row] = context.addToBatch(slot.id, at, Uint32Array.from(tokens), Uint32Array.from(samples ? [tokens.length - 1] : []))
    if (row !== undefined) logitsOf.set(entry, row)
    for (const token of tokens) slot.tokens.push(token)
    slot.dirty = true
  }
  if (pace) context.setThreads(pace.threads())
  const began = performance.now()
  await context.decodeBatch().catch((cause: unknown): never => {
    throw failure('out-of-memory', undefined, { cause, retryable: true })
  })
  pace?.took(size, performance.now() - began)

  const computed: Computed[] = []
  // One after another: the process has one thread for them (config.ts), and reading a row of logits first puts all rows in order.
  for (const [entry] of batch) computed.push({ entry, ...(await sample(context, entry, logitsOf.get(entry))) })
  return computed
}

async function sample(context: NativeContext, { job }: Running, row: number | undefined): Promise<Omit<Computed, 'entry'>> {
  if (row === undefined || job.kind !== 'answer' || job.signal.aborted) return {}
  try {
    return { picked: await job.picker.pick(context, row) }
  } catch (error) {
    return { error }
  }
}
