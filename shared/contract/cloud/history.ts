// Conversations and messages as the cloud keeps them, for programs and for clients without an engine. Each write takes one version of the
// user's history, as a push of the sync protocol does.
import { Type, type Static } from 'typebox'
import { Conversation, Sampling, SystemPrompt } from '../../chat/conversation.ts'
import { Message } from '../../chat/message.ts'
import { Id } from '../ids.ts'
import { route } from './route.ts'

const nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()])
/** 2^53 - 1: the largest that JavaScript counts with. */
const Version = Type.Integer({ minimum: 0, maximum: 9_007_199_254_740_991 })
/** Text that Postgres can keep: without U+0000. */
const text = (options: { minLength?: number; maxLength: number }) => Type.String({ ...options, pattern: '^[^\\u0000]*$' })
const title = text({ minLength: 1, maxLength: 200 })
const exact = { additionalProperties: false }

/** `local-only` is not among them: such a chat is on one computer, and never here. */
export const CloudPrivacy = Type.Union([Type.Literal('ask'), Type.Literal('auto')])

export const CloudConversation = Type.Object({
  ...Conversation.properties,
  /** Empty: it was not named yet. */
  title: Type.String({ maxLength: 200 }),
  privacy: CloudPrivacy,
  /** It was in the trash, and a message that had not been seen brought it back. */
  back: Type.Boolean(),
  /** Of its last change. */
  version: Version,
  /** Of its privacy: what was seen by whoever makes it laxer. */
  privacyVersion: Version,
})
export type CloudConversation = Static<typeof CloudConversation>

/** A finished message, as it is written and read. Immutable. */
export const FinishedMessage = Type.Object({
  ...Message.properties,
  status: Type.Union([Type.Literal('complete'), Type.Literal('stopped'), Type.Literal('failed')]),
})
export type FinishedMessage = Static<typeof FinishedMessage>

const changes = {
  title: Type.Optional(title),
  pinned: Type.Optional(Type.Boolean()),
  folderId: Type.Optional(nullable(Id)),
  headId: Type.Optional(nullable(Id)),
  modelId: Type.Optional(nullable(text({ maxLength: 200 }))),
  systemPrompt: Type.Optional(nullable(Type.String({ ...SystemPrompt, pattern: '^[^\\u0000]*$' }))),
  sampling: Type.Optional(Sampling),
  keepState: Type.Optional(Type.Boolean()),
}
/** Only `live`: the trash has a route of its own. */
const Live = Type.Literal('live')

export const NewConversation = Type.Object(
  { id: Id, ...changes, privacy: Type.Optional(Type.Union([...CloudPrivacy.anyOf, Type.Literal('local-only')])) },
  exact,
)
export type NewConversation = Static<typeof NewConversation>

export const ConversationChange = Type.Object(
  {
    ...changes,
    life: Type.Optional(Live),
    privacy: Type.Optional(Type.Union([...CloudPrivacy.anyOf, Type.Literal('local-only')])),
    /** Of the label that was shown; needed to make it laxer. */
    privacyVersion: Type.Optional(Version),
  },
  { ...exact, minProperties: 1 },
)
export type ConversationChange = Static<typeof ConversationChange>

const ById = Type.Object({ id: Id })
/** 50 where nothing is said. */
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 200 }))
/** Where to go on, as the page before said it. */
const cursor = Type.Optional(Type.String({ minLength: 1, maxLength: 100 }))
const next = nullable(Type.String())
const access = { who: 'program', scope: 'history' } as const

export const historyRoutes = {
  conversations: route({
    method: 'GET',
    path: '/v1/conversations',
    access,
    summary: 'The conversations of the person who asks, the newest first.',
    query: Type.Object({ life: Type.Optional(Type.Union([Live, Type.Literal('trash')])), before: cursor, limit }, exact),
    reply: Type.Object({ conversations: Type.Array(CloudConversation), next }),
  }),
  makeConversation: route({
    method: 'POST',
    path: '/v1/conversations',
    access,
    summary: 'Makes a conversation under an id of the client. One that is there already is not changed.',
    body: NewConversation,
    reply: CloudConversation,
  }),
  conversation: route({
    method: 'GET',
    path: '/v1/conversations/{id}',
    access,
    summary: 'One conversation.',
    params: ById,
    reply: CloudConversation,
  }),
  changeConversation: route({
    method: 'PATCH',
    path: '/v1/conversations/{id}',
    access,
    summary: 'Changes what is named and leaves the rest. `life: "live"` brings it back from the trash.',
    params: ById,
    body: ConversationChange,
    reply: CloudConversation,
  }),
  trashConversation: route({
    method: 'DELETE',
    path: '/v1/conversations/{id}',
    access,
    summary: 'Moves a conversation to the trash. With `seen`, one that holds a newer message stays, marked.',
    params: ById,
    query: Type.Object({ seen: Type.Optional(Version) }, exact),
    reply: CloudConversation,
  }),
  purgeConversation: route({
    method: 'POST',
    path: '/v1/conversations/{id}/purge',
    access,
    summary: 'Deletes a conversation of the trash for good, with its messages. Its id is never taken again.',
    params: ById,
  }),
  messages: route({
    method: 'GET',
    path: '/v1/conversations/{id}/messages',
    access,
    summary: 'Messages of a conversation: all of them, the newest first; or with `from`, the path from that message to the root.',
    params: ById,
    query: Type.Object({ from: Type.Optional(Id), before: cursor, limit }, exact),
    reply: Type.Object({ messages: Type.Array(FinishedMessage), next }),
  }),
  addMessage: route({
    method: 'POST',
    path: '/v1/conversations/{id}/messages',
    access,
    summary: 'Adds a finished message under an id of the client. The same again changes nothing; another one under that id is refused.',
    params: ById,
    body: Type.Object(
      {
        id: Id,
        parentId: nullable(Id),
        role: FinishedMessage.properties.role,
        parts: FinishedMessage.properties.parts,
        status: Type.Optional(FinishedMessage.properties.status),
        segments: Type.Optional(FinishedMessage.properties.segments),
        finishReason: Type.Optional(FinishedMessage.properties.finishReason),
        failure: Type.Optional(FinishedMessage.properties.failure),
        leftOut: Type.Optional(FinishedMessage.properties.leftOut),
        createdAt: Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799_999 })),
      },
      exact,
    ),
    reply: Type.Object({ id: Id, version: Version }),
  }),
}
