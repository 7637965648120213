// How vLLM computes, without computing: continuous batching, chunked prefill, and a prefix cache in blocks. It knows no clock: each step says how long
// it would take, and whoever drives it waits, or counts.

export interface EngineShape {
  /** `--max-num-seqs`. */
  maxSequences: number
  /** `--max-num-batched-tokens`. */
  batchTokens: number
  blockTokens: number
  /** Of the KV cache, which is the prefix cache as well. */
  cacheBlocks: number
  /** Of a step, whatever is in it. */
  stepMs: number
  prefillMsPerToken: number
  decodeMsPerSequence: number
}

export interface EngineRequest {
  promptTokens: number
  /** Hashes of its whole blocks, each with all before it. */
  blocks: readonly number[]
  maxTokens: number
}

export interface Sequence extends EngineRequest {
  cachedTokens: number
  computed: number
  made: number
}

export interface Step {
  ms: number
  /** Each made one token. */
  decoded: Sequence[]
}

export type MockEngine = ReturnType<typeof createMockEngine>

export function createMockEngine(shape: EngineShape) {
  const { maxSequences, batchTokens, blockTokens, cacheBlocks, stepMs, prefillMsPerToken, decodeMsPerSequence } = shape
  const waiting: Sequence[] = []
  const running = new Set<Sequence>()
  /** Blocks of finished work that are still there, the least lately used first. */
  const cached = new Map<number, true>()
  const figures = { promptTokens: 0, cachedTokens: 0, madeTokens: 0, prefixQueries: 0, prefixHits: 0, finished: 0 }
  let used = 0

  const blocksFor = ({ promptTokens, maxTokens }: EngineRequest) => Math.ceil((promptTokens + maxTokens) / blockTokens)

  function admit(): void {
    while (running.size < maxSequences && waiting.length > 0) {
      const [next] = waiting as [Sequence]
      const need = blocksFor(next)
      // It is admitted with all the blocks that it may come to need: no sequence is put back.
      if (used + need > cacheBlocks && running.size > 0) return
      waiting.shift()
      running.add(next)
      used += need
      const missing = next.blocks.findIndex(block => !cached.has(block))
      const found = missing === -1 ? next.blocks.length : missing
      // The last token is always computed: the next one follows from it.
      next.cachedTokens = Math.min(found * blockTokens, Math.max(0, next.promptTokens - 1))
      next.computed = next.cachedTokens
      figures.prefixQueries += next.promptTokens
      figures.prefixHits += next.cachedTokens
      figures.promptTokens += next.promptTokens
      figures.cachedTokens += next.cachedTokens
      remember(next.blocks.slice(0, found))
    }
  }

  function remember(blocks: readonly number[]): void {
    for (let index = blocks.length - 1; index >= 0; index--) {
      cached.delete(blocks[index]!)
      cached.set(blocks[index]!, true)
    }
    for (const block of cached.keys()) {
      if (cached.size <= Math.max(0, cacheBlocks - used)) break
      cached.delete(block)
    }
  }

  function remove(sequence: Sequence): void {
    if (running.delete(sequence)) used -= blocksFor(sequence)
  }

  return {
    add(request: EngineRequest): Sequence {
      const sequence: Sequence = { ...request, cachedTokens: 0, computed: 0, made: 0 }
      waiting.push(sequence)
      return sequence
    },
    /** It is computed no longer: its answer is whole, or nobody wants it. */
    end(sequence: Sequence): void {
      const at = waiting.indexOf(sequence)
      if (at >= 0) waiting.splice(at, 1)
      remove(sequence)
      figures.finished += 1
    },
    /** One step; undefined where there is nothing to compute. */
    step(): Step | undefined {
      admit()
      if (running.size === 0) return undefined
      let budget = batchTokens
      let prefilled = 0
      const decoded: Sequence[] = []
      // Those that decode come first; what is left of the batch is prefill, in chunks.
      for (const one of running) {
        if (one.computed < one.promptTokens) continue
        decoded.push(one)
        budget -= 1
      }
      for (const one of running) {
        const left = one.promptTokens - one.computed
        if (left <= 0 || budget <= 0) continue
        const chunk = Math.min(left, budget)
        one.computed += chunk
        budget -= chunk
        prefilled += chunk
        if (one.computed === one.promptTokens) {
          remember(one.blocks)
          decoded.push(one)
        }
      }
      for (const one of decoded) {
        one.made += 1
        figures.madeTokens += 1
      }
      return { ms: stepMs + prefilled * prefillMsPerToken + decoded.length * decodeMsPerSequence, decoded }
    },
    running: () => running.size,
    waiting: () => waiting.length,
    cacheUse: () => used / cacheBlocks,
    figures,
  }
}
