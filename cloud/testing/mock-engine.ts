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
  /** Hashes of its whole blocks, each with all before it: not below zero. */
  blocks: readonly number[]
}

export interface Sequence extends EngineRequest {
  cachedTokens: number
  /** Tokens of prompt and answer whose state is there. */
  computed: number
  made: number
  /** What it has of the cache: blocks of the prompt, then those of its answer. */
  held: number[]
  /** It was put back into the line. */
  preempted: boolean
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
  /** In the order in which they came: the last one gives way where blocks run out. */
  const running: Sequence[] = []
  /** How many sequences have a block: what they share is there once. */
  const used = new Map<number, number>()
  /** Blocks of finished work that are still there, the least lately used first. */
  const idle = new Map<number, true>()
  const figures = { promptTokens: 0, cachedTokens: 0, madeTokens: 0, prefixQueries: 0, prefixHits: 0, finished: 0, preempted: 0 }
  /** Names of blocks that nobody else can have: those of answers, and beginnings of blocks. */
  let ownBlocks = 0

  const isThere = (block: number) => used.has(block) || idle.has(block)

  function prefixLength(blocks: readonly number[]): number {
    const missing = blocks.findIndex(block => !isThere(block))
    return missing === -1 ? blocks.length : missing
  }

  /** False: there is no room for it. */
  function hold(sequence: Sequence, block: number, evenWithoutRoom: boolean): boolean {
    const count = used.get(block)
    if (count === undefined && !idle.delete(block) && used.size + idle.size >= cacheBlocks) {
      const [oldest] = idle.keys()
      if (oldest !== undefined) idle.delete(oldest)
      else if (!evenWithoutRoom) return false
    }
    used.set(block, (count ?? 0) + 1)
    sequence.held.push(block)
    return true
  }

  /** Its blocks stay for whoever begins with the same, as long as there is room; ends go before beginnings. */
  function release(sequence: Sequence): void {
    const whole = Math.floor(sequence.computed / blockTokens)
    for (let index = sequence.held.length - 1; index >= 0; index--) {
      const block = sequence.held[index]!
      const count = used.get(block)!
      if (count > 1) used.set(block, count - 1)
      else {
        used.delete(block)
        if (index < whole) idle.set(block, true)
      }
    }
  }

  /** Room for its first so many tokens. */
  function grow(sequence: Sequence, tokens: number): boolean {
    const { held, blocks } = sequence
    // One that is alone is never in anybody's way: it would wait for itself.
    const isAlone = running.length === 0 || (running.length === 1 && running[0] === sequence)
    while (held.length * blockTokens < tokens) if (!hold(sequence, blocks[held.length] ?? -++ownBlocks, isAlone)) return false
    return true
  }

  /** As vLLM does it: its blocks are given up, and it is computed again, before all others that wait. */
  function preempt(): void {
    const last = running.pop()!
    release(last)
    // What it had is found again, if nobody took its place until then.
    const whole = Math.floor(last.computed / blockTokens)
    if (whole > last.blocks.length) last.blocks = last.held.slice(0, whole)
    last.held = []
    last.computed = 0
    last.preempted = true
    waiting.unshift(last)
    figures.preempted += 1
  }

  /** From the line, where there is room for what is computed of it in this step. */
  function admit(budget: number): boolean {
    const [next] = waiting as [Sequence]
    const { promptTokens, made, blocks } = next
    const length = promptTokens + made
    // The last token is always computed, and its block with it: the next one follows from it.
    const found = Math.min(prefixLength(blocks), Math.floor((length - 1) / blockTokens))
    const known = found * blockTokens
    const tokens = Math.min(length, known + budget)
    let need = Math.ceil(tokens / blockTokens)
    for (let index = 0; index < found; index++) if (used.has(blocks[index]!)) need -= 1
    if (used.size + need > cacheBlocks && running.length > 0) return false
    for (let index = 0; index < found; index++) hold(next, blocks[index]!, false)
    next.computed = known
    grow(next, tokens)
    waiting.shift()
    running.push(next)
    if (!next.preempted) {
      next.cachedTokens = known
      figures.prefixQueries += promptTokens
      figures.prefixHits += known
      figures.promptTokens += promptTokens
      figures.cachedTokens += known
    }
    return true
  }

  return {
    add({ promptTokens, blocks }: EngineRequest): Sequence {
      const sequence: Sequence = { promptTokens, blocks, cachedTokens: 0, computed: 0, made: 0, held: [], preempted: false }
      waiting.push(sequence)
      return sequence
    },
    /** It is computed no longer: its answer is whole, or nobody wants it. */
    end(sequence: Sequence): void {
      const list = running.includes(sequence) ? running : waiting
      const at = list.indexOf(sequence)
      if (at < 0) return
      list.splice(at, 1)
      release(sequence)
      figures.finished += 1
    },
    /** One step; undefined where there is nothing to compute. */
    step(): Step | undefined {
      let budget = batchTokens
      let prefilled = 0
      let decodes = 0
      let isFull = false
      const decoded: Sequence[] = []
      // Those that run come first, with one token each or the next chunk of their prompt; what is left of the batch is for those that wait.
      for (let index = 0; budget > 0; index++) {
        if (index === running.length && (isFull || running.length >= maxSequences || waiting.length === 0 || !admit(budget))) break
        const one = running[index]!
        const left = one.promptTokens + one.made - one.computed
        const chunk = Math.min(left, budget)
        while (!grow(one, one.computed + chunk) && running.length > index) {
          isFull = true
          preempt()
        }
        if (running.length === index) break
        one.computed += chunk
        budget -= chunk
        if (chunk === 1) decodes += 1
        else prefilled += chunk
        if (chunk < left) continue
        one.made += 1
        decoded.push(one)
      }
      if (running.length === 0) return undefined
      figures.madeTokens += decoded.length
      return { ms: stepMs + prefilled * prefillMsPerToken + decodes * decodeMsPerSequence, decoded }
    },
    /** Of these blocks, from the first on, those that are in the cache: what an index made of `--kv-events-config` knows. */
    prefixLength,
    running: () => running.length,
    waiting: () => waiting.length,
    cacheUse: () => used.size / cacheBlocks,
    figures,
  }
}
