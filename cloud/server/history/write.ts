// What a write does to a user's history, by the rules of the sync protocol: locked first, one version for each change, refused where the
// conversation was deleted for good.
import { isDeepStrictEqual } from 'node:util'
import type { ConversationChange, FinishedMessage, NewConversation } from '@fusion/shared/contract/cloud/history.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import { titleFrom } from '@fusion/shared/chat/title.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Queryable } from '../../database/connection.ts'
import { buryConversation, type ConversationRow, findConversation, insertConversation, setCells } from '../../database/conversations.ts'
import { findMessage, insertMessage, newestMessageVersion } from '../../database/messages.ts'
import { lockSpace, takeVersion } from '../../database/space.ts'

/** The conversation of this id, which is there. */
export async function present(tx: Queryable, userId: string, id: string): Promise<ConversationRow> {
  const found = await findConversation(tx, userId, id)
  if (!found || found.gone) throw failure('not-found')
  return found
}

/** One that is there already is left as it is. */
export async function makeConversation(tx: Queryable, userId: string, made: NewConversation): Promise<ConversationRow> {
  const { id, privacy, ...values } = made
  if (privacy === 'local-only') throw failure('chat-local-only')
  await lockSpace(tx)
  const found = await findConversation(tx, userId, id)
  if (found?.gone) throw failure('chat-gone')
  if (found) return found
  const version = await takeVersion(tx)
  await insertConversation(tx, userId, made, version)
  await setCells(tx, userId, { id, values, version })
  return present(tx, userId, id)
}

export async function changeConversation(tx: Queryable, userId: string, id: string, change: ConversationChange): Promise<ConversationRow> {
  const { privacyVersion, ...values } = change
  if (values.privacy === 'local-only') throw failure('chat-local-only')
  await lockSpace(tx)
  const found = await present(tx, userId, id)
  // Whoever makes it laxer has to have seen the label that stands: another may just have insisted on it.
  if (values.privacy === 'auto' && found.privacy === 'ask' && privacyVersion !== found.privacyVersion) throw failure('changed-elsewhere')
  await setCells(tx, userId, { id, values, version: await takeVersion(tx) })
  return present(tx, userId, id)
}

/** With `seen`, a conversation that holds a newer message stays, marked. */
export async function trashConversation(tx: Queryable, userId: string, id: string, seen: number | undefined): Promise<ConversationRow> {
  await lockSpace(tx)
  await present(tx, userId, id)
  const back = seen !== undefined && (await newestMessageVersion(tx, userId, id)) > seen
  await setCells(tx, userId, { id, values: { life: back ? 'live' : 'trash' }, version: await takeVersion(tx), back })
  return present(tx, userId, id)
}

export async function purgeConversation(tx: Queryable, userId: string, id: string): Promise<void> {
  await lockSpace(tx)
  if ((await present(tx, userId, id)).life !== 'trash') throw failure('not-in-trash')
  const version = await takeVersion(tx)
  await buryConversation(tx, userId, { id, version, seen: version })
}

/** The same message again changes nothing and tells the version that it has; another one under its id is refused. */
export async function addMessage(tx: Queryable, userId: string, message: FinishedMessage): Promise<number> {
  const locked = lockSpace(tx)
  // Asked behind the lock, in the same trip.
  const asked = Promise.all([findConversation(tx, userId, message.conversationId), findMessage(tx, userId, message.id)])
  // Where the lock is refused, so is what was asked behind it, and the lock says why.
  asked.catch(() => {})
  await locked
  const [conversation, found] = await asked
  if (!conversation) throw failure('not-found')
  if (conversation.gone) throw failure('chat-gone')
  if (found) {
    const { version, ...same } = found
    if (!isDeepStrictEqual(same, asWritten(message))) throw failure('request-differs')
    return version
  }
  // The head goes along where it stood at what this answers.
  return insertMessage(tx, userId, message, { movesHead: conversation.headId === message.parentId })
}

export interface AskedQuestion {
  id: string
  conversationId: string
  parentId: string | null
  /** Absent: it is there already. */
  text?: string | undefined
}

/**
 * Writes a question, under an id that is free, and goes on from it; one that is there already is gone on from once more. A conversation
 * without a name is named by it. Throws `not-found` where its conversation or what it answers to is not there, `chat-gone`, `question-empty`,
 * `request-differs` where its id is another message's.
 */
export async function addQuestion(tx: Queryable, userId: string, { id, conversationId, parentId, text }: AskedQuestion): Promise<void> {
  await lockSpace(tx)
  const conversation = await findConversation(tx, userId, conversationId)
  if (!conversation) throw failure('not-found')
  if (conversation.gone) throw failure('chat-gone')
  const found = await findMessage(tx, userId, id)
  if (found) {
    const same = found.conversationId === conversationId && found.parentId === parentId && found.role === 'user'
    if (!same || (text !== undefined && text !== textOf(found))) throw failure('request-differs')
    if (conversation.headId !== id)
      await setCells(tx, userId, { id: conversationId, values: { headId: id }, version: await takeVersion(tx) })
    return
  }
  if (text === undefined || text.trim() === '') throw failure('question-empty')
  if (parentId !== null && (await findMessage(tx, userId, parentId))?.conversationId !== conversationId) throw failure('not-found')
  const parts = [{ type: 'text' as const, text }]
  const question = {
    id,
    conversationId,
    parentId,
    role: 'user' as const,
    parts,
    createdAt: Date.now(),
    status: 'complete' as const,
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
  }
  await insertMessage(tx, userId, question, { movesHead: true })
  // Postgres takes no U+0000 in a title.
  const title = titleFrom(text.replaceAll('\0', ''))
  if (conversation.title === '') await setCells(tx, userId, { id: conversationId, values: { title }, version: await takeVersion(tx) })
}

/** As it comes back out of JSON. */
const asWritten = (message: FinishedMessage) => JSON.parse(JSON.stringify(message)) as FinishedMessage
