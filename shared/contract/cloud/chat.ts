// One chat answered by the cloud: what is asked, and the events that an answer is made of.
import { Type, type Static } from 'typebox'
import { BudgetWarning } from '../../chat/budget-warning.ts'
import { Sampling } from '../../chat/conversation.ts'
import { FinishReason, LeftOut } from '../../chat/message.ts'
import { Choice } from '../../routing/routing-reason.ts'
import { FailureBody } from '../../rpc/failure.ts'
import { Id } from '../ids.ts'
import { route } from './route.ts'

const MAX_TEXT = 8_000_000

export const PlannedMessage = Type.Object(
  {
    role: Type.Union([Type.Literal('system'), Type.Literal('user'), Type.Literal('assistant')]),
    text: Type.String({ maxLength: MAX_TEXT }),
  },
  { additionalProperties: false },
)
export type PlannedMessage = Static<typeof PlannedMessage>

/** A prompt that a device's engine has planned: the cloud counts it, and adds nothing of its history to it. */
export const PlannedPrompt = Type.Object(
  {
    messages: Type.Array(PlannedMessage, { minItems: 1, maxItems: 10_000 }),
    /** What the answer begins with: text of an answer that is gone on from. */
    answerStart: Type.Optional(Type.String({ maxLength: MAX_TEXT })),
  },
  { additionalProperties: false },
)
export type PlannedPrompt = Static<typeof PlannedPrompt>

/**
 * `answer` names the generation as well: whoever made the id can find its events again, even if not one byte of the reply came. The same
 * request again gives the same generation; another one under that id is refused with 422.
 */
export const ChatRequest = Type.Object(
  {
    conversation: Id,
    /** What the question answers to; null: it begins the conversation. */
    parent: Type.Union([Id, Type.Null()]),
    /**
     * `text` where there is no `prompt`: the cloud then plans the prompt from history, and writes question and answer to it. Without either,
     * the question is in history, and is answered once more.
     */
    question: Type.Object({ id: Id, text: Type.Optional(Type.String({ maxLength: MAX_TEXT })) }, { additionalProperties: false }),
    answer: Id,
    model: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\x00-\\x1f\\x7f]+$' }),
    prompt: Type.Optional(PlannedPrompt),
    sampling: Type.Optional(Sampling),
  },
  { additionalProperties: false },
)
export type ChatRequest = Static<typeof ChatRequest>

export const GenerationUsage = Type.Object({
  promptTokens: Type.Integer({ minimum: 0 }),
  cachedTokens: Type.Integer({ minimum: 0 }),
  completionTokens: Type.Integer({ minimum: 0 }),
})
export type GenerationUsage = Static<typeof GenerationUsage>

/**
 * The events of a generation, in their order. All but `server-drain` are of its log: they have an id `<generation>:<seq>`, seq from 1 on
 * without a gap, and are replayed to whoever asks for what came after an id. The last one is `generation-finish`, `generation-stop` or
 * `generation-fail`; where the server died that made the answer, the fail stands behind a gap, past all that anybody can have seen.
 */
export const GenerationEvent = Type.Union([
  Type.Object({
    type: Type.Literal('generation-start'),
    generation: Id,
    model: Type.String(),
    modelName: Type.String(),
    /** Why this one, where `auto` was asked for. */
    modelReason: Type.Optional(Choice),
    /** Little is left of what may be used. */
    budgetWarning: Type.Optional(BudgetWarning),
  }),
  /** It waits for its turn: so many are before it. */
  Type.Object({ type: Type.Literal('queue-wait'), ahead: Type.Integer({ minimum: 0 }) }),
  /** The model is being loaded or woken. */
  Type.Object({ type: Type.Literal('model-wake') }),
  /**
   * A model server did not answer or broke off, and another is asked, or the same again. In the middle of an answer it goes on from the very token;
   * nothing of it was lost.
   */
  Type.Object({ type: Type.Literal('request-retry'), attempt: Type.Integer({ minimum: 2 }) }),
  /** Counted by the model's own tokenizer. `leftOut`: what the cloud's own plan did not take in (zero for a planned prompt). */
  Type.Object({
    type: Type.Literal('prompt-count'),
    promptTokens: Type.Integer({ minimum: 0 }),
    windowTokens: Type.Integer({ minimum: 0 }),
    leftOut: LeftOut,
  }),
  Type.Object({ type: Type.Literal('reasoning-delta'), text: Type.String() }),
  Type.Object({ type: Type.Literal('text-delta'), text: Type.String() }),
  Type.Object({
    type: Type.Literal('generation-finish'),
    reason: FinishReason,
    usage: GenerationUsage,
    /** From the request to the first token, in ms; null where there was none. */
    firstTokenMs: Type.Union([Type.Number(), Type.Null()]),
    tokensPerSecond: Type.Union([Type.Number(), Type.Null()]),
  }),
  /** Somebody cancelled it; what was made stands. */
  Type.Object({ type: Type.Literal('generation-stop'), usage: GenerationUsage }),
  /** It went wrong; what was made stands. A prompt that does not fit fails with `prompt-too-long` and `{ tokens, window }`. */
  Type.Object({ type: Type.Literal('generation-fail'), failure: FailureBody, usage: GenerationUsage }),
  /** This server is about to end: ask for the rest again, with the last id that came; another one goes on. */
  Type.Object({ type: Type.Literal('server-drain') }),
])
export type GenerationEvent = Static<typeof GenerationEvent>

export const GenerationState = Type.Object({
  generation: Id,
  conversation: Id,
  at: Type.Union([Type.Literal('running'), Type.Literal('complete'), Type.Literal('stopped'), Type.Literal('failed')]),
  model: Type.String(),
  /** Seq of the newest event. */
  seq: Type.Integer({ minimum: 0 }),
})
export type GenerationState = Static<typeof GenerationState>

/** Bytes of one message on the socket; a longer prompt goes by POST. */
export const MAX_SOCKET_MESSAGE = 1_000_000
const AccessToken = Type.String({ minLength: 1, maxLength: 4096 })
const Seq = Type.Integer({ minimum: 0 })
const closed = { additionalProperties: false } as const

/**
 * What a client says on the socket: JSON, one text message each. `hello` comes first where the request brought no Authorization header, and
 * again when its token is renewed. `after`: seq of the last event that came.
 */
export const SocketCommand = Type.Union([
  Type.Object({ type: Type.Literal('hello'), accessToken: AccessToken }, closed),
  Type.Object({ type: Type.Literal('chat'), request: ChatRequest, after: Type.Optional(Seq) }, closed),
  Type.Object({ type: Type.Literal('resume'), generation: Id, after: Seq }, closed),
  Type.Object({ type: Type.Literal('cancel'), generation: Id }, closed),
])
export type SocketCommand = Static<typeof SocketCommand>

/** What the cloud says on it. After `server-drain` it closes the socket with 1012: another server has the rest. */
export const SocketMessage = Type.Union([
  Type.Object({ type: Type.Literal('welcome') }),
  Type.Object({ type: Type.Literal('event'), generation: Id, seq: Seq, event: GenerationEvent }),
  /** A command was not followed; `generation` is the one that it named. */
  Type.Object({ type: Type.Literal('refuse'), generation: Type.Union([Id, Type.Null()]), failure: FailureBody }),
  Type.Object({ type: Type.Literal('server-drain') }),
])
export type SocketMessage = Static<typeof SocketMessage>

const ByGeneration = Type.Object({ generation: Id })

export const chatRoutes = {
  chat: route({
    method: 'POST',
    path: '/v1/chat',
    access: { who: 'program', scope: 'inference' },
    summary: 'Asks a model and streams the events of its answer. A lost connection does not stop it.',
    body: ChatRequest,
    events: GenerationEvent,
  }),
  /** Whoever is not named by the request says so in the first message. */
  socket: route({
    method: 'GET',
    path: '/v1/chat/socket',
    access: { who: 'anybody' },
    summary: 'A WebSocket on which answers are asked for, followed, resumed and cancelled; 426 for a request that is none.',
    statuses: [101, 426],
  }),
  generation: route({
    method: 'GET',
    path: '/v1/generations/{generation}',
    access: { who: 'program', scope: 'inference' },
    summary: 'How a generation stands. It is kept for a day.',
    params: ByGeneration,
    reply: GenerationState,
  }),
  generationEvents: route({
    method: 'GET',
    path: '/v1/generations/{generation}/events',
    access: { who: 'program', scope: 'inference' },
    summary: 'The events of a generation after the one named in Last-Event-ID, then those to come.',
    params: ByGeneration,
    events: GenerationEvent,
  }),
  cancelGeneration: route({
    method: 'POST',
    path: '/v1/generations/{generation}/cancel',
    access: { who: 'program', scope: 'inference' },
    summary: 'Stops a generation within a second; what was made stands.',
    params: ByGeneration,
    reply: GenerationState,
  }),
}

/** `<generation>:<seq>`, as in Last-Event-ID. */
export const eventId = (generation: string, seq: number): string => `${generation}:${seq}`

/** The seq named by an event id of this generation; undefined where it is none. */
export function seqOf(generation: string, id: string): number | undefined {
  const match = /^([^:]+):(\d{1,15})$/.exec(id)
  return match?.[1] === generation ? Number(match[2]) : undefined
}
