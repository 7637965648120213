import type { NativeContext } from '../native.ts'
import { type Computed, computeBatch } from './compute-batch.ts'
import { type AnswerJob, type DraftJob, isAnswer, type Outcome, type Running } from './jobs.ts'
import type { Pace } from './pace.ts'
import { sharePrompts, shareSteps } from './share-prompts.ts'
import { createSliceSize } from './slice-size.ts'
import { createSlots, type KeptAnswer, type Slot } from './slots.ts'

export interface Scheduler {
  /** Resolves when `onTokens` said so, with `window` when the context is full, with `cancelled` as soon as its signal aborts. */
  answer(job: AnswerJob): Promise<Outcome>
  /** Resolves with what is computed of it, also when it was cancelled or had to give way. */
  draft(job: DraftJob): Promise<{ cachedTokens: number; tokens: number }>
  /** Runs `work` on the chat's slot while nothing else computes. Without `make`, only if the chat has one: else undefined. */
  withSlot<T>(chatId: string, options: { make: boolean }, work: (slot: Slot) => Promise<T>): Promise<T | undefined>
  forget(chatId: string): Promise<void>
  /** Tells the chat's slot what the answer in it was sampled as. */
  keepAnswer(chatId: string, answer: KeptAnswer): void
  load(): { running: number; waiting: number; usedTokens: number }
}

export interface SchedulerOptions {
  context: NativeContext
  sequences: number
  contextTokens: number
  /** How many threads to use; without it the context's own number. */
  pace?: Pace
  /** Before the KV state of an idle chat makes room for another's. */
  beforeEviction?: (slot: Slot) => Promise<void>
}

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

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
const urgency = ({ job }: Waiting) => (job.kind === 'draft' ? 2 : job.priority)

/** What its sequence holds with what is chosen already, or will hold with its prompt. */
const tokensOf = ({ job, slot, next }: Running) => (next ? slot.tokens.length + next.length : job.tokens.length)

/**
 * Computes all chats of one context in step. Each round is one batch with a token of every growing answer, and then one with a slice of the
 * prompts that wait: llama.cpp would split a batch of both at its own places, and compute 1 and 32 tokens in 164 ms that take 16 and 131 alone.
 */
export function createScheduler({ context, sequences, contextTokens, pace, beforeEviction }: SchedulerOptions): Scheduler {
  const slots = createSlots(context, sequences)
  let waiting: Waiting[] = []
  let running: Running[] = []
  let slotWork: SlotWork[] = []
  let turning = false
  let wanted = false
  let orders = 0
  let rounds = 0
  const slice = createSliceSize()

  function drop(entry: Running): void {
    running = running.filter(other => other !== entry)
    slots.release(entry.slot)
    if (entry.job.kind === 'answer') entry.job.picker.dispose()
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
      if (job.kind === 'answer') job.picker.dispose()
      settle('cancelled')
    }
    waiting = waiting.filter(({ job }) => !job.signal.aborted)
    const answerWaits = waiting.some(({ job }) => job.kind === 'answer')
    for (const entry of running) {
      if (entry.job.signal.aborted || (answerWaits && entry.job.kind === 'draft')) leave(entry, 'cancelled')
    }
  }

  /**
   * A person in front of the page does not wait for programs: the request of theirs that came last gives up its place, waits in line, and goes
   * on where it was. What was told of it stays told, so its answer is the same; its KV state is computed again.
   */
  function giveWay(): boolean {
    const entry = running.filter(({ job }) => job.kind === 'answer' && job.priority > 0).toSorted((a, b) => b.order - a.order)[0]
    if (entry?.job.kind !== 'answer') return false
    const { job, slot, next, order, settle, fail } = entry
    running = running.filter(other => other !== entry)
    slots.release(slot)
    const rest: AnswerJob = next === undefined ? job : { ...job, tokens: [...slot.tokens, ...next], onPrefill() {} }
    waiting.push({ job: { ...rest, onPrompt() {} }, order, settle, fail, admitted: () => {} })
    return true
  }

  const candidateOf = (chatId: string, { urgent }: { urgent: boolean }): Slot | undefined =>
    slots.candidate(chatId) ?? (urgent && !slots.of(chatId) && giveWay() ? slots.candidate(chatId) : undefined)

  /** `tokens`: the prompt, by which a program's request finds what begins alike. */
  async function takeSlot(chatId: string | null, wish: { urgent: boolean; program?: string | undefined; tokens?: readonly number[] }) {
    const { urgent, program, tokens = [] } = wish
    const slot = chatId === null ? slots.programCandidate(program, tokens) : candidateOf(chatId, { urgent })
    if (!slot) return undefined
    if (slot.chatId !== undefined && slot.chatId !== chatId && slot.tokens.length > 0) await beforeEviction?.(slot)
    slots.take(slot, chatId, program)
    return slot
  }

  async function doSlotWork(): Promise<void> {
    const later: SlotWork[] = []
    for (const work of slotWork.splice(0)) {
      const own = slots.of(work.chatId)
      // What a growing answer's chat asks for waits for the answer.
      if (own?.busy) later.push(work)
      else if (!own && !work.make) await work.run(undefined)
      else {
        const slot = await takeSlot(work.chatId, { urgent: true })
        if (!slot) {
          later.push(work)
          continue
        }
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
      const { chatId, tokens } = job
      const own = job.kind === 'answer' ? { urgent: job.priority === 0, program: job.program } : { urgent: false }
      const slot = await takeSlot(chatId, { ...own, tokens })
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

  async function round(): Promise<boolean> {
    sweep()
    await doSlotWork()
    await admit()
    if (running.length === 0) return false
    for (const entry of running) if (tokensOf(entry) > contextTokens) leave(entry, 'window')
    const steps = shareSteps(running)
    const stepMs = await compute(steps)
    // Tokens that follow without being sampled make a step longer than answers usually wait for.
    if (stepMs > 0 && sum(steps.values()) === steps.size) slice.stepTook(stepMs)
    const shares = sharePrompts(running, ++rounds, slice.tokens)
    const sliceMs = await compute(shares)
    if (sliceMs > 0) slice.sliceTook(sum(shares.values()), sliceMs)
    return true
  }

  /** Resolves with how long it took, in ms; 0 where there was nothing to compute. */
  async function compute(shares: ReadonlyMap<Running, number>): Promise<number> {
    if (shares.size === 0) return 0
    const began = performance.now()
    let computed: Computed[]
    try {
      computed = await computeBatch(context, shares, pace)
    } catch (error) {
      for (const entry of shares.keys()) {
        slots.empty(entry.slot)
        leaveWith(entry, error)
      }
      return 0
    }
    const ms = performance.now() - began
    for (const one of computed) {
      try {
        take(one)
      } catch (error) {
        leaveWith(one.entry, error)
      }
    }
    return ms
  }

  function take({ entry, picked, error }: Computed): void {
    const { job, slot } = entry
    if (job.signal.aborted) return
    if (error !== undefined) return leaveWith(entry, error)
    entry.next = picked?.tokens
    if (job.kind === 'draft') {
      if (slot.tokens.length >= job.tokens.length) leave(entry, 'finished')
    } else if (picked === undefined) job.onPrefill(slot.tokens.length)
    else if (!job.onTokens(picked)) leave(entry, 'finished')
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
