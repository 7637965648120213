import { availableParallelism } from 'node:os'
import { failure } from '@fusion/shared/contract/failures.ts'

export interface ModelShape {
  /** Bytes of the weights, as they lie in the file. */
  weightBytes: number
  stateBytesPerToken: number
  vocabularyTokens: number
  embeddingLength: number
  feedForwardLength: number
  trainedContextTokens: number
}

export interface ContextPlan {
  contextTokens: number
  sequences: number
  memoryBytes: number
}

const GIB = 1024 ** 3
/** Context sizes are padded to this by llama.cpp. */
const PAD = 256
/** Larger windows only where the person asks: their KV memory is taken in whole when the model is loaded. */
const DEFAULT_WINDOW = 32_768
const GOOD_WINDOW = 4_096
const SMALLEST_WINDOW = 512
const MOST_SEQUENCES = 8

const padded = (tokens: number) => Math.max(PAD, Math.floor(tokens / PAD) * PAD)

/** Scratch memory of one batch: a row of logits and the widest activations for each token, in 32 bits (llama.cpp reserves for the worst case). */
function scratchBytes({ vocabularyTokens, embeddingLength, feedForwardLength }: ModelShape, batchTokens: number): number {
  return batchTokens * 4 * (vocabularyTokens + 2 * feedForwardLength + 8 * embeddingLength)
}

/**
 * How long a chat may be and how many fit at once, in `freeBytes` of memory. KV memory takes at most half of what the weights leave, so that
 * other programs live too, and more than two chats only up to 1 GiB. Throws `model-too-large` when not even a small window fits.
 */
export function planContext(
  shape: ModelShape,
  { freeBytes, contextTokens, batchTokens, name }: { freeBytes: number; contextTokens: number | null; batchTokens: number; name: string },
): ContextPlan {
  const perToken = Math.max(1, shape.stateBytesPerToken)
  const fixed = shape.weightBytes + scratchBytes(shape, batchTokens)
  const left = freeBytes - fixed
  const smallest = Math.min(SMALLEST_WINDOW, shape.trainedContextTokens)
  if (left < smallest * perToken) {
    throw failure('model-too-large', { model: name, needed: gigabytes(fixed + smallest * perToken), free: gigabytes(freeBytes) })
  }
  const limit = Math.min(shape.trainedContextTokens, contextTokens ?? DEFAULT_WINDOW)
  const room = left / 2
  let window = Math.min(limit, room / perToken)
  if (window < GOOD_WINDOW) window = Math.min(limit, GOOD_WINDOW, left / perToken)
  window = padded(window)
  const fitting = (tokens: number) => Math.floor(Math.min(room, Math.max(GIB, 2 * tokens * perToken)) / (tokens * perToken))
  if (contextTokens === null && fitting(window) < 2 && window >= 4 * GOOD_WINDOW) window = padded(window / 2)
  const sequences = Math.min(Math.max(fitting(window), 1), MOST_SEQUENCES)
  return { contextTokens: window, sequences, memoryBytes: Math.round(fixed + window * sequences * perToken) }
}

/** Bytes for people: "4.2 GB". */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

/** Under this size a token takes a millisecond, and threads wait for one another longer than they compute (5M parameters: 0.6 ms on one). */
const ONE_THREAD_BYTES = 64e6

/**
 * Threads to compute with: never more than cores (ggml's barriers spin, and collapse when they wait for one that has no core: 0.36 tokens/s
 * seen), and from four cores on one is left to the page and the engine. `mathCores` leaves out the second half of cores with two threads.
 */
export function planThreads({
  mathCores,
  wished,
  weightBytes,
  cores = availableParallelism(),
}: {
  mathCores: number
  wished: number | null
  weightBytes: number
  cores?: number
}): number {
  if (wished !== null) return Math.min(Math.max(wished, 1), cores)
  if (weightBytes < ONE_THREAD_BYTES) return 1
  if (cores <= 3) return cores
  return Math.min(Math.max(mathCores, Math.ceil(cores / 2)), cores - 1)
}
