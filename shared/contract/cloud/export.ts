// All that the cloud keeps of a person, in one file.
import { Type, type Static } from 'typebox'
import { Hash } from '../ids.ts'
import { Account } from './account.ts'
import { CloudConversation, FinishedMessage } from './history.ts'
import { route } from './route.ts'

/** A line of the file: JSON each. The last one is `end`; where it is missing, the file is not whole. */
export const ExportLine = Type.Union([
  Type.Object({ type: Type.Literal('account'), user: Account.properties.user, organisation: Account.properties.organisation }),
  Type.Interface([CloudConversation], { type: Type.Literal('conversation') }),
  /** After all conversations. */
  Type.Interface([FinishedMessage], { type: Type.Literal('message') }),
  /** Its bytes are at `path`. */
  Type.Object({ type: Type.Literal('attachment'), hash: Hash, bytes: Type.Integer({ minimum: 0 }), path: Type.String() }),
  Type.Object({
    type: Type.Literal('end'),
    conversations: Type.Integer({ minimum: 0 }),
    messages: Type.Integer({ minimum: 0 }),
    attachments: Type.Integer({ minimum: 0 }),
  }),
])
export type ExportLine = Static<typeof ExportLine>

export const exportRoutes = {
  export: route({
    method: 'GET',
    path: '/v1/export',
    access: { who: 'program', scope: 'history' },
    summary: 'All that this person wrote, as a file of JSON lines: account, conversations, messages, files, end.',
    replyType: 'application/x-ndjson',
  }),
}
