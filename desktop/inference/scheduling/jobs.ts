import type { Picked, Picker } from '../sampling.ts'
import type { Slot } from './slots.ts'

/** What one answer needs of the scheduler. Its callbacks are called in order and must not throw. */
export interface AnswerJob {
  kind: 'answer'
  /** null: a program's, which is of no chat. */
  chatId: string | null
  /** Whose request it is, where it is of no chat. */
  program?: string | undefined
  tokens: readonly number[]
  /** 0 before 1. */
  priority: number
  /** Disposed of by the scheduler, when nothing uses it any more. */
  picker: Picker
  signal: AbortSignal
  /** The chat has a sequence; so many of the prompt's tokens are in it. */
  onPrompt(cachedTokens: number): void
  onPrefill(done: number): void
  /** Tokens were chosen. False: the answer is finished. */
  onTokens(picked: Picked): boolean
}

/** A prompt that will probably come: computed only while no answer wants to be. */
export interface DraftJob {
  kind: 'draft'
  chatId: string
  tokens: readonly number[]
  signal: AbortSignal
}

/** How a job ended: as it wanted to, at the end of the context, or because its signal aborted or it had to give way. */
export type Outcome = 'finished' | 'window' | 'cancelled'

/** A job that has a sequence. */
export interface Running {
  job: AnswerJob | DraftJob
  slot: Slot
  /** Tokens of its prompt that the sequence held when it began. */
  cached: number
  /** The tokens that were chosen and are to be computed next; undefined while the prompt is. */
  next: readonly number[] | undefined
  /** Order of coming. */
  order: number
  settle: (outcome: Outcome) => void
  fail: (error: unknown) => void
}

export const isAnswer = ({ job }: Pick<Running, 'job'>) => job.kind === 'answer'
export const isGrowing = ({ next }: Running) => next !== undefined
