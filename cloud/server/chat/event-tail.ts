import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'

export interface SeenEvent {
  seq: number
  event: GenerationEvent
}

export interface GenerationKey {
  userId: string
  id: string
}

/**
 * Where servers show each other the newest events of an answer, before they are in the database. It may know less than all, or nothing; what it
 * knows is right.
 */
export interface EventTail {
  /** Appends events, of which the first has the seq `firstSeq`; those that are there already stay. False where it takes no more of this one. */
  append(of: GenerationKey, firstSeq: number, events: readonly GenerationEvent[]): Promise<boolean>
  /** Events after `after`, some hundred at most. */
  read(of: GenerationKey, after: number): Promise<SeenEvent[]>
}
