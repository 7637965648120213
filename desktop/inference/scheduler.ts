import { failure } from '@fusion/shared/contract/failures.ts'
import type { NativeContext, NativeSampler } from './native.ts'
import type { Pace } from './pace.ts'
import { createSlots, type KeptAnswer, type Slot } from './slots.ts'

/** What one answer needs of the scheduler. Its callbacks are called in order and must not throw. */
export interface AnswerJob {
  kind: 'answer'
  chatId: string
  tokens: readonly number[]
  /** 0 before 1. */
  priority: number
  /** Disposed of by the scheduler, when nothing uses it any more. */
  sampler: NativeSampler
  signal: AbortSignal
  /** The chat has a sequence; so many of the prompt's tokens are in it. */
  onPrompt(cachedTokens: number): void
  onPrefill(done: number): void
  /** A token was sampled. False: the answer is finished. */
  onToken(token: number): boolean
}

/** A prompt that will probably come: computed only while no answer wants to be. */
export interface DraftJob {
  kind: 'draft'
  chatId: string
  tokens: readonly number[]
  signal: AbortSignal
}

export interface Scheduler {
  /** Resolves when `onToken` said so, with `window` when the context is full, with `cancelled` as soon as its signal aborts. */
  answer(job: AnswerJob): Promise<'finished' | 'window' | 'cancelled'>
  /** Resolves with what is computed of it, also when it was cancelled or had to give way. */
  draft(job: DraftJob): Promise<{ cachedTokens: number; tokens: number }>
  /** Runs `work` on the chat's slot while nothing else computes. Without `make`, only if the chat has one: else undefined. */
  withSlot<T>(chatId: string, options: { make: boolean }, work: (slot: Slot) => Promise<T>): Promise<T | undefined>
  forget(chatId: string): Promise<void>
  /** Tells the chat's slot what the answer in it was sampled as. */
  keepAnswer(chatId: string, answer: KeptAnswer): void
  load(): { running: number; waiting: number; usedTokens: number }
}

/** The largest batch: a round of 512 tokens is 2.5 s on two slow cores, and larger ones gain nothing. */
export const BATCH_TOKENS = 512

export interface SchedulerOptions {
  context: NativeContext
  sequences: number
  contextTokens: number
  /** Tokens computed at once while nobody's answer is growing. */
  batchTokens?: number
  /** Tokens of prompts computed with each step of growing answers: more prefills faster and makes the others stutter (bench `local`). */
  sliceTokens?: number
  /** How many threads to use; without it the context's own number. */
  pace?: Pace
  /** Before the KV state of an idle chat makes room for another's. */
  beforeEviction?: (slot: Slot) => Promise<void>
}

interface Running {
  job: AnswerJob | DraftJob
  slot: Slot
  cached: number
  /** The token that was sampled and is to be computed next; undefined while the prompt is. */
  next: number | undefined
  /** Order of coming. */
  order: number
  settle: (outcome: Outcome) => void
  fail: (error: unknown) => void
}
type Outcome = 'finished' | 'window' | 'cancelled'

interface Waiting {
  job: AnswerJob | DraftJob
  order: number
  settle: Running['settle']
  fail: Running['fail']
  admitted: (running: Running) => void
}

interface SlotWork {
  chatId: string
  make: boolean
  run: (slot: Slot | undefined) => Promise<void>
}

const isAnswer = ({ job }: Running) => job.kind === 'answer'
const urgency = ({ job }: Waiting) => (job.kind === 'draft' ? 2 : job.priority)

/**
 * Computes all chats of one context in step: each round is one batch with a token of every growing answer, in the order of their
 * sequences (llama.cpp joins only ascending ones), and a slice of the prompts that are waiting. Whole batches when no answer is growing.
 */
export function createScheduler({
  context,
  sequences,
  contextTokens,
  batchTokens = BATCH_TOKENS,
  sliceTokens = 32,
  pace,
  beforeEviction,
}: SchedulerOptions): Scheduler {
  const slots = createSlots(context, sequences)
  let waiting: Waiting[] = []
  let running: Running[] = []
  let slotWork: SlotWork[] = []
  let turning = false
  let wanted = false
  let orders = 0
  let rounds = 0

  function drop(entry: Running): void {
    running = running.filter(other => other !== entry)
    slots.release(entry.slot)
    if (entry.job.kind === 'answer') entry.job.sampler.dispose()
  }

  function leave(entry: Running, outcome: Outcome): void {
    drop(entry)
    entry.settle(outcome)
  }

  function leaveWith(entry: Running, error: unknown): void {
    drop(entry)
    entry.fail(error)
  }

  /** What was cancelled, and drafts that an answer needs out of its way. */
  function sweep(): void {
    for (const { job, settle } of waiting.filter(({ job }) => job.signal.aborted)) {
      if (job.kind === 'answer') job.sampler.dispose()
      settle('cancelled')
    }
    waiting = waiting.filter(({ job }) => !job.signal.aborted)
    const answerWaits = waiting.some(({ job }) => job.kind === 'answer')
    for (const entry of running) {
      if (entry.job.signal.aborted || (answerWaits && entry.job.kind === 'draft')) leave(entry, 'cancelled')
    }
  }

  async function takeSlot(chatId: string): Promise<Slot | undefined> {
    const slot = slots.candidate(chatId)
    if (!slot) return undefined
    if (slot.chatId !== undefined && slot.chatId !== chatId && slot.tokens.length > 0) await beforeEviction?.(slot)
    slots.take(slot, chatId)
    return slot
  }

  async function doSlotWork(): Promise<void> {
    const later: SlotWork[] = []
    for (const work of slotWork.splice(0)) {
      const own = slots.of(work.chatId)
      // What a growing answer's chat asks for waits for the answer.
      if (own?.busy || (!own && work.make && !slots.candidate(work.chatId))) later.push(work)
      else if (!own && !work.make) await work.run(undefined)
      else {
        const slot = await takeSlot(work.chatId)
        if (!slot) continue
        await work.run(slot)
        slots.release(slot)
      }
    }
    slotWork = [...later, ...slotWork]
  }

  async function admit(): Promise<void> {
    waiting.sort((a, b) => urgency(a) - urgency(b) || a.order - b.order)
    for (const entry of waiting) {
      const { job } = entry
      if (job.kind === 'draft' && running.some(isAnswer)) break
      const slot = await takeSlot(job.chatId)
      if (!slot) continue
      waiting = waiting.filter(other => other !== entry)
      const cached = slots.keepPrefix(slot, job.tokens)
      const { order, settle, fail } = entry
      const started: Running = { job, slot, cached, next: undefined, order, settle, fail }
      running.push(started)
      entry.admitted(started)
      if (job.kind === 'answer') job.onPrompt(cached)
    }
  }

  /** How many tokens each running job gets in the next batch. */
  function share(): Map<Running, number> {
    const shares = new Map<Running, number>()
    const growing = running.filter(entry => entry.next !== undefined)
    for (const entry of growing) shares.set(entry, 1)
    const answers = running.filter(entry => entry.next === undefined && entry.job.kind === 'answer')
    const prefilling = answers.length > 0 || growing.length > 0 ? answers : running.filter(entry => entry.next === undefined)
    // Drafts go in slices too, so that an answer that comes is not kept waiting.
    let room = growing.length > 0 || answers.length === 0 ? sliceTokens : batchTokens
    room = Math.min(room, batchTokens - growing.length)
    const left = (entry: Running) => entry.job.tokens.length - entry.slot.tokens.length
    // The shortest first, so that a short question does not wait for a long one; every other round the oldest, so that the long one is not starved.
    rounds++
    prefilling.sort((a, b) => (rounds % 2 === 0 ? a.order - b.order : left(a) - left(b) || a.order - b.order))
    for (const entry of prefilling) {
      const count = Math.min(left(entry), room)
      if (count <= 0) continue
      shares.set(entry, count)
      room -= count
    }
    return shares
  }

  async function round(): Promise<boolean> {
    sweep()
    await doSlotWork()
    await admit()
    if (running.length === 0) return false

    for (const entry of running) {
      if (entry.next !== undefined && entry.slot.tokens.length >= contextTokens) leave(entry, 'window')
    }
    const shares = share()
    if (shares.size === 0) return running.length > 0
    const batch = [...shares].toSorted(([a], [b]) => a.slot.id - b.slot.id)
    const toSample: { entry: Running; logits: number }[] = []
    const tokensInBatch = batch.reduce((sum, [, count]) => sum + count, 0)
    context.initBatch(tokensInBatch)
    for (const [entry, count] of batch) {
      const { slot, job } = entry
      const at = slot.tokens.length
      const tokens = entry.next === undefined ? job.tokens.slice(at, at + count) : [entry.next]
      const wantsToken = job.kind === 'answer' && (entry.next !== undefined || at + count === job.tokens.length)
      const [logits] = context.addToBatch(slot.id, at, Uint32Array.from(tokens), Uint32Array.from(wantsToken ? [tokens.length - 1] : []))
      if (logits !== undefined) toSample.push({ entry, logits })
      for (const token of tokens) slot.tokens.push(token)
      slot.dirty = true
    }
    if (pace) context.setThreads(pace.threads())
    const began = performance.now()
    try {
      await context.decodeBatch()
      pace?.took(tokensInBatch, performance.now() - began)
    } catch (error) {
      // What the batch left in the sequences is unknown.
      for (const [entry] of batch) {
        slots.empty(entry.slot)
        leaveWith(entry, failure('out-of-memory', undefined, { cause: error, retryable: true }))
      }
      return true
    }
    await sample(toSample)
    for (const [entry] of batch) {
      if (entry.next !== undefined || entry.job.signal.aborted) continue
      const done = entry.slot.tokens.length
      if (entry.job.kind === 'answer') entry.job.onPrefill(done)
      else if (done >= entry.job.tokens.length) leave(entry, 'finished')
    }
    return true
  }

  async function sample(toSample: readonly { entry: Running; logits: number }[]): Promise<void> {
    const one = async ({ entry, logits }: { entry: Running; logits: number }) => {
      const { job } = entry
      if (job.kind !== 'answer' || job.signal.aborted) return
      try {
        const token = await context.sampleToken(logits, job.sampler)
        if (job.signal.aborted) return
        if (token < 0) throw new Error('The model gave no token')
        entry.next = token
        if (!job.onToken(token)) leave(entry, 'finished')
      } catch (error) {
        leaveWith(entry, error)
      }
    }
    // The first alone: reading a row of logits puts all rows in order once, which must not happen on two threads.
    const [first, ...rest] = toSample
    if (first) await one(first)
    await Promise.all(rest.map(one))
  }

  async function turn(): Promise<void> {
    if (turning) return
    turning = true
    try {
      let more = true
      while (more || wanted) {
        wanted = false
        more = await round()
      }
    } catch (error) {
      // A fault of ours: nothing may wait for ever.
      for (const entry of running) {
        slots.empty(entry.slot)
        leaveWith(entry, error)
      }
      for (const entry of waiting.splice(0)) entry.fail(error)
    } finally {
      turning = false
    }
  }

  function begin(): void {
    wanted = true
    void turn()
  }

  function enqueue(job: AnswerJob | DraftJob, admitted: (entry: Running) => void): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    waiting.push({ job, order: ++orders, settle: resolve, fail: reject, admitted })
    // One in line does not wait for the batch under way to be told that it was cancelled.
    job.signal.addEventListener('abort', () => resolve('cancelled'), { once: true })
    begin()
    return promise
  }

  return {
    answer: job => enqueue(job, () => {}),
    async draft(job) {
      let entry: Running | undefined
      await enqueue(job, admitted => (entry = admitted))
      const own = entry?.slot.chatId === job.chatId ? entry.slot.tokens.length : 0
      return { cachedTokens: entry?.cached ?? 0, tokens: Math.min(own, job.tokens.length) }
    },
    withSlot<T>(chatId: string, { make }: { make: boolean }, work: (slot: Slot) => Promise<T>) {
      const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
      const run = async (slot: Slot | undefined) => {
        try {
          resolve(slot ? await work(slot) : undefined)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      slotWork.push({ chatId, make, run })
      begin()
      return promise
    },
    async forget(chatId) {
      await this.withSlot(chatId, { make: false }, async slot => {
        slots.empty(slot)
        slot.chatId = undefined
        slot.used = 0
      })
    },
    keepAnswer(chatId, answer) {
      const slot = slots.of(chatId)
      if (!slot || slot.tokens.length < answer.at) return
      slot.answers = [...slot.answers.filter(({ at }) => at < answer.at), answer]
    },
    load: () => ({
      running: running.filter(isAnswer).length,
      waiting: waiting.filter(({ job }) => job.kind === 'answer').length,
      usedTokens: slots.all.reduce((sum, slot) => sum + slot.tokens.length, 0),
    }),
  }
}
