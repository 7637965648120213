import { Type, type Static } from 'typebox'
import { Hash, Id } from '../contract/ids.ts'
import { Choice } from '../routing/routing-reason.ts'
import { FailureBody } from '../rpc/failure.ts'
import { BudgetWarning } from './budget-warning.ts'

export const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() })
/** What a reasoning model thought before it answered; never sent back to it in later prompts. */
export const ReasoningPart = Type.Object({ type: Type.Literal('reasoning'), text: Type.String() })
/** A text file by the hash of its content; the content lies once in the store, however often it is attached. */
export const AttachmentPart = Type.Object({
  type: Type.Literal('attachment'),
  hash: Hash,
  name: Type.String({ minLength: 1, maxLength: 255 }),
  bytes: Type.Integer({ minimum: 0 }),
})
export type AttachmentPart = Static<typeof AttachmentPart>
export const ToolCallPart = Type.Object({
  type: Type.Literal('tool-call'),
  callId: Type.String(),
  name: Type.String(),
  input: Type.String(),
})
export const ToolResultPart = Type.Object({ type: Type.Literal('tool-result'), callId: Type.String(), output: Type.String() })
export const Part = Type.Union([TextPart, ReasoningPart, AttachmentPart, ToolCallPart, ToolResultPart])
export type Part = Static<typeof Part>

export const Place = Type.Union([Type.Literal('desk'), Type.Literal('cloud')])
export type Place = Static<typeof Place>

/** Why an answer was made where it was made. */
export const PlaceReason = Type.Union([
  Type.Literal('only-local'), // there is no account, so there is nowhere else
  Type.Literal('chosen'), // the person chose this model for the chat
  Type.Literal('went-on'), // an earlier part failed, and the person asked to go on from there
])
export type PlaceReason = Static<typeof PlaceReason>

/** From character `from` of the message's text on: made where, by what, at what cost. An answer that fell over has several. */
export const Segment = Type.Object({
  from: Type.Integer({ minimum: 0 }),
  place: Place,
  reason: PlaceReason,
  modelId: Type.String(),
  modelName: Type.String(),
  quantization: Type.String(),
  backend: Type.String(),
  /** Where the choice of the model was left to the cloud: why it was this one. */
  modelReason: Type.Optional(Choice),
  /** Where the cloud said, when it began, that little was left of what may be used. */
  budgetWarning: Type.Optional(BudgetWarning),
  promptTokens: Type.Integer({ minimum: 0 }),
  /** Of the prompt's tokens, those whose KV state was there already. */
  cachedTokens: Type.Integer({ minimum: 0 }),
  completionTokens: Type.Integer({ minimum: 0 }),
  /** From Send (or the turn's start, if it had to wait for another turn) to the first token, in ms. */
  firstTokenMs: Type.Union([Type.Number(), Type.Null()]),
  /** Decode only: tokens after the first, by the time from the first to the last. */
  tokensPerSecond: Type.Union([Type.Number(), Type.Null()]),
})
export type Segment = Static<typeof Segment>

/** What the window did not hold when this answer was made. Counted in messages of the path, and in tokens. */
export const LeftOut = Type.Object({ messages: Type.Integer({ minimum: 0 }), tokens: Type.Integer({ minimum: 0 }) })
export type LeftOut = Static<typeof LeftOut>

export const MessageStatus = Type.Union([
  Type.Literal('growing'),
  Type.Literal('complete'),
  Type.Literal('stopped'),
  Type.Literal('failed'),
])
export type MessageStatus = Static<typeof MessageStatus>

/** `stop`: the model ended its answer; `length`: the answer's limit; `window`: the context window was full. */
export const FinishReason = Type.Union([Type.Literal('stop'), Type.Literal('length'), Type.Literal('window')])
export type FinishReason = Static<typeof FinishReason>

/** Immutable once its status is not `growing`. Messages of a conversation form a tree by `parentId`. */
export const Message = Type.Object({
  id: Id,
  conversationId: Id,
  parentId: Type.Union([Id, Type.Null()]),
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  parts: Type.Array(Part),
  status: MessageStatus,
  segments: Type.Array(Segment),
  finishReason: Type.Union([FinishReason, Type.Null()]),
  failure: Type.Union([FailureBody, Type.Null()]),
  leftOut: Type.Union([LeftOut, Type.Null()]),
  createdAt: Type.Integer(),
})
export type Message = Static<typeof Message>

/** The text of a message without its reasoning: what is copied, searched, exported and put into later prompts. */
export function textOf(message: Pick<Message, 'parts'>): string {
  return message.parts.map(part => (part.type === 'text' ? part.text : '')).join('')
}
