import type { CloudConversation, FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { historyRoutes } from '@fusion/shared/contract/cloud/history.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { type ConversationRow, isPresent, listConversations } from '../../database/conversations.ts'
import { listMessages, type MessageRow, type MessageText, readPathUp } from '../../database/messages.ts'
import { serve, writtenAs } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { addMessage, changeConversation, makeConversation, present, purgeConversation, trashConversation } from './write.ts'

/** Conversations and messages of the person who asks. */
export async function history(app: FastifyInstance, { database }: Pick<Parts, 'database'>): Promise<void> {
  serve(app, historyRoutes.conversations, async ({ caller, query: { life = 'live', before, limit = 50 } }) => {
    const place = before === undefined ? undefined : readCursor(before)
    const rows = await database.readAsUser(caller.userId, tx =>
      listConversations(tx, caller.userId, { life, before: place && { updatedAt: place.number, id: place.id }, limit: limit + 1 }),
    )
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    return { conversations: shown.map(conversationOf), next: last ? cursorOf(last.updatedAt, last.id) : null }
  })

  serve(app, historyRoutes.makeConversation, async ({ caller, body }) =>
    conversationOf(await database.asUser(caller.userId, tx => makeConversation(tx, caller.userId, body))),
  )

  serve(app, historyRoutes.conversation, async ({ caller, params }) =>
    conversationOf(await database.readAsUser(caller.userId, tx => present(tx, caller.userId, params.id))),
  )

  serve(app, historyRoutes.changeConversation, async ({ caller, params, body }) =>
    conversationOf(await database.asUser(caller.userId, tx => changeConversation(tx, caller.userId, params.id, body))),
  )

  serve(app, historyRoutes.trashConversation, async ({ caller, params, query }) =>
    conversationOf(await database.asUser(caller.userId, tx => trashConversation(tx, caller.userId, params.id, query.seen))),
  )

  serve(app, historyRoutes.purgeConversation, async ({ caller, params }) =>
    database.asUser(caller.userId, tx => purgeConversation(tx, caller.userId, params.id)),
  )

  serve(app, historyRoutes.messages, async ({ caller, params, query: { from, before, limit = 50 }, reply }) => {
    const place = before === undefined ? undefined : readCursor(before)
    const after = place && { version: place.number, id: place.id }
    const [there, rows] = await database.readAsUser(caller.userId, tx =>
      Promise.all([
        isPresent(tx, caller.userId, params.id),
        from
          ? // A page of a path goes on from the message that the page before ended above.
            readPathUp(tx, caller.userId, { conversationId: params.id, from: place?.id ?? from, limit: limit + 1 }).then(asTexts)
          : listMessages(tx, caller.userId, { conversationId: params.id, before: after, limit: limit + 1 }),
      ]),
    )
    if (!there) throw failure('not-found')
    const shown = rows.slice(0, limit)
    const more = rows[limit]
    const last = from ? more : more && shown.at(-1)
    const next = last ? `"${cursorOf(last.version, last.id)}"` : 'null'
    return writtenAs(reply, `{"messages":[${shown.map(({ text }) => text).join(',')}],"next":${next}}`)
  })

  serve(app, historyRoutes.addMessage, async ({ caller, params, body }) => {
    const message: FinishedMessage = {
      status: 'complete',
      segments: [],
      finishReason: null,
      failure: null,
      leftOut: null,
      createdAt: timeOf(body.id),
      ...body,
      conversationId: params.id,
    }
    const version = await database.asUser(caller.userId, tx => addMessage(tx, caller.userId, message))
    return { id: body.id, version }
  })
}

const conversationOf = ({ gone: _, ...conversation }: ConversationRow): CloudConversation => conversation
const asTexts = (rows: readonly MessageRow[]): MessageText[] =>
  rows.map(({ version, ...message }) => ({ id: message.id, version, text: JSON.stringify(message) }))

/** When this UUIDv7 was made, in ms; its clock may be any, and no date of ours is beyond the year 9999. */
const timeOf = (id: string) => Math.min(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), 253_402_300_799_999)
