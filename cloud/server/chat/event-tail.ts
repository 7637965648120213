import type { ChatRequest, GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { Caller } from '../caller.ts'

export interface SeenEvent {
  seq: number
  event: GenerationEvent
}

export interface GenerationKey {
  userId: string
  id: string
}

/** An event, and what of the answer stands behind it in tokens: enough to go on from there. */
export interface TailEntry {
  event: GenerationEvent
  /** With the first text: those of the prompt, and the weights of the server that reads it. */
  promptIds?: readonly number[]
  weights?: string
  /** Those of this text, and of what had no text yet. */
  tokenIds?: readonly number[]
}

/** What another server has to know of an answer to take it over. */
export interface Handover {
  caller: Caller
  request: ChatRequest
  model: string
  startedAt: number
}

/** `kept`: they are there. `none`: none more are kept of this one. `taken-over`: it is another server's by now. */
export type Appended = 'kept' | 'none' | 'taken-over'

/**
 * Where servers show each other the events of an answer, before they are in the database and before any client has them: so another server can take
 * the answer over. It may know less than all, or nothing; what it knows is right.
 */
export interface EventTail {
  /** Whether it is kept from now on. */
  begin(of: GenerationKey, owner: string, handover: Handover): Promise<boolean>
  /** Appends entries, of which the first has the seq `firstSeq`; those that are there already stay. */
  append(of: GenerationKey, owner: string, firstSeq: number, entries: readonly TailEntry[]): Promise<Appended>
  /** Events after `after`, some hundred at most. */
  read(of: GenerationKey, after: number): Promise<SeenEvent[]>
  /** Makes it this owner's, and tells all of it; undefined where it is not known whole. */
  takeOver(of: GenerationKey, owner: string): Promise<{ handover: Handover; entries: TailEntry[] } | undefined>
}
