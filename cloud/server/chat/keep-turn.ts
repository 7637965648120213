// Question and answer in their conversation, for clients without an engine, which write neither themselves.
import type { ChatRequest, GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Queryable } from '../../database/connection.ts'
import { readEvents, takeDueAnswer } from '../../database/generations.ts'
import { findMessage } from '../../database/messages.ts'
import { addMessage, addQuestion } from '../history/write.ts'
import { answerMessage } from './answer-message.ts'
import { isLast } from './live-log.ts'

/** In the transaction that begins its answer. Throws what `addQuestion` throws; `request-differs` where a message has the answer's id. */
export async function keepQuestion(tx: Queryable, userId: string, { conversation, parent, question, answer }: ChatRequest): Promise<void> {
  await addQuestion(tx, userId, { ...question, conversationId: conversation, parentId: parent })
  if (await findMessage(tx, userId, answer)) throw failure('request-differs')
}

/** Writes an answer that is due, once. Where its conversation was deleted in the meantime, it is gone with it. */
export async function keepAnswer(tx: Queryable, userId: string, id: string, events: readonly GenerationEvent[]): Promise<void> {
  const due = await takeDueAnswer(tx, id)
  if (!due) return
  try {
    await addMessage(tx, userId, answerMessage(id, due, events))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}

/** The same for one that has ended, from what is written of it. */
export async function keepWrittenAnswer(tx: Queryable, userId: string, id: string): Promise<void> {
  const entries = await readAllEvents(tx, id)
  await keepAnswer(
    tx,
    userId,
    id,
    entries.map(({ event }) => event),
  )
}

/** All that is written of an answer. */
export async function readAllEvents(tx: Queryable, id: string): Promise<{ event: GenerationEvent }[]> {
  const all: { event: GenerationEvent }[] = []
  for (let after = 0; ;) {
    const seen = await readEvents(tx, id, after)
    for (const { event } of seen) all.push({ event })
    const last = seen.at(-1)
    if (!last || isLast(last.event)) return all
    after = last.seq
  }
}
