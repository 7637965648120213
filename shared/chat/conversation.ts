import { Type, type Static } from 'typebox'
import { Id } from '../contract/ids.ts'

export const Privacy = Type.Union([Type.Literal('local-only'), Type.Literal('ask'), Type.Literal('auto')])
export type Privacy = Static<typeof Privacy>

/** Sampling settings; what is absent is the model file's or the engine's default. Ranges are those of the OpenAI API where it has the setting. */
export const Sampling = Type.Object({
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  topK: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  minP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  repeatPenalty: Type.Optional(Type.Number({ minimum: 0.5, maximum: 2 })),
  presencePenalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  frequencyPenalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4294967295 })),
  /** Tokens of one answer; absent: to the end of the window. */
  maxTokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
})
export type Sampling = Static<typeof Sampling>

export const Title = Type.String({ minLength: 1, maxLength: 200 })
export const SystemPrompt = Type.String({ maxLength: 100_000 })

export const ConversationSettings = Type.Object({
  /** Hash of the wished model's file, or `cloud:NAME`; null: the default model. */
  modelId: Type.Union([Type.String(), Type.Null()]),
  /** null: the one from the app's settings. */
  systemPrompt: Type.Union([SystemPrompt, Type.Null()]),
  sampling: Sampling,
  /** Whether this chat's KV state may be kept on disk. */
  keepState: Type.Boolean(),
})
export type ConversationSettings = Static<typeof ConversationSettings>

/** What a chat is settled to before anything is chosen for it. */
export const newConversationSettings: ConversationSettings = { modelId: null, systemPrompt: null, sampling: {}, keepState: true }

export const Conversation = Type.Object({
  id: Id,
  title: Title,
  folderId: Type.Union([Id, Type.Null()]),
  pinned: Type.Boolean(),
  privacy: Privacy,
  settings: ConversationSettings,
  headId: Type.Union([Id, Type.Null()]),
  life: Type.Union([Type.Literal('live'), Type.Literal('trash')]),
  createdAt: Type.Integer(),
  /** When something was last said in it, in ms: the order of the list. */
  updatedAt: Type.Integer(),
})
export type Conversation = Static<typeof Conversation>

export const Folder = Type.Object({ id: Id, name: Type.String({ minLength: 1, maxLength: 100 }), createdAt: Type.Integer() })
export type Folder = Static<typeof Folder>
