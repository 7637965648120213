// The contract between the engine and an inference process: one process, at most one model. Both ship together.
import { Type, type Static, type TSchema } from 'typebox'
import { Sampling } from '../chat/conversation.ts'
import { FinishReason } from '../chat/message.ts'
import { call, stream } from '../rpc/contract.ts'
import { Backend, LoadedModel, ModelFile } from './model.ts'

const Nothing = Type.Object({})
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A call of a tool as the model wrote it: `arguments` is text that should be JSON, and may not be. */
export const ToolCall = Type.Object({ id: Type.String(), name: Type.String(), arguments: Type.String() })
export type ToolCall = Static<typeof ToolCall>

/** A tool that the model may call; `parameters` is a JSON Schema. */
export const Tool = Type.Object({
  name: Type.String(),
  description: Type.Optional(Type.String()),
  parameters: Type.Optional(Type.Unknown()),
})
export type Tool = Static<typeof Tool>

export const PromptMessage = Type.Object({
  role: Type.Union([Type.Literal('system'), Type.Literal('user'), Type.Literal('assistant'), Type.Literal('tool')]),
  text: Type.String(),
  /** What an assistant called. */
  toolCalls: Type.Optional(Type.Array(ToolCall)),
  /** Of a `tool`: the call whose result `text` is. */
  toolCallId: Type.Optional(Type.String()),
})
export type PromptMessage = Static<typeof PromptMessage>

/**
 * A prompt as turns. The process writes it in the model's own chat template; text of messages is never read as control tokens.
 * `answerStart` is the beginning of the answer, to go on from; absent, a new answer begins.
 */
export const Prompt = Type.Object({
  messages: Type.Array(PromptMessage),
  answerStart: Type.Optional(Type.String()),
  tools: Type.Optional(Type.Array(Tool)),
})
export type Prompt = Static<typeof Prompt>

/** A prompt without turns, for programs that write their own: a text (its control tokens are read), or tokens. */
export const RawPrompt = Type.Object({ raw: Type.Union([Type.String(), Type.Array(Type.Integer({ minimum: 0 }))]) })
export type RawPrompt = Static<typeof RawPrompt>

/** What the text of an answer has to be; held to token by token. */
export const AnswerForm = Type.Union([
  Type.Object({ type: Type.Literal('json-object') }),
  Type.Object({ type: Type.Literal('json-schema'), schema: Type.Unknown() }),
])
export type AnswerForm = Static<typeof AnswerForm>

/** Whether tools of the prompt are called: as the model likes, never, at least one, or this one. */
export const ToolChoice = Type.Union([
  Type.Literal('auto'),
  Type.Literal('none'),
  Type.Literal('required'),
  Type.Object({ name: Type.String() }),
])
export type ToolChoice = Static<typeof ToolChoice>

/** A token with its natural logarithm of probability, before sampling settings. `bytes`: a token can be a part of a character. */
const ScoredToken = Type.Object({
  id: Type.Integer(),
  text: Type.String(),
  bytes: Type.Array(Type.Integer({ minimum: 0, maximum: 255 })),
  logprob: Type.Number(),
})
export const TokenLogprob = Type.Object({ ...ScoredToken.properties, top: Type.Array(ScoredToken) })
export type TokenLogprob = Static<typeof TokenLogprob>

export const GenerateEvent = Type.Union([
  /** The exact count of the prompt, and how much of it needs no computing. */
  Type.Object({
    type: Type.Literal('prompt-ready'),
    promptTokens: Type.Integer(),
    cachedTokens: Type.Integer(),
    /** Where `tokenIds` was asked for. */
    tokenIds: Type.Optional(Type.Array(Type.Integer())),
  }),
  Type.Object({ type: Type.Literal('prefill-progress'), done: Type.Integer(), total: Type.Integer() }),
  /** Whole characters only; `tokens` were sampled for it (0 or more: a token can be half a character). */
  Type.Object({
    type: Type.Literal('text-delta'),
    part: Type.Union([Type.Literal('text'), Type.Literal('reasoning')]),
    text: Type.String(),
    tokens: Type.Integer(),
    /** Of these tokens, where `tokenIds` or `logprobs` were asked for. */
    tokenIds: Type.Optional(Type.Array(Type.Integer())),
    logprobs: Type.Optional(Type.Array(TokenLogprob)),
  }),
  /** The model calls a tool; the first has index 0. */
  Type.Object({ type: Type.Literal('tool-call-started'), index: Type.Integer(), id: Type.String(), name: Type.String() }),
  Type.Object({ type: Type.Literal('tool-call-delta'), index: Type.Integer(), arguments: Type.String(), tokens: Type.Integer() }),
  Type.Object({
    type: Type.Literal('answer-finished'),
    reason: Type.Union([FinishReason, Type.Literal('tool-calls')]),
    /** The text of `stop` that ended it. */
    stopText: Type.Optional(Type.String()),
    completionTokens: Type.Integer(),
    prefillMs: Type.Number(),
    decodeMs: Type.Number(),
  }),
])
export type GenerateEvent = Static<typeof GenerateEvent>

export const GenerateRequest = Type.Object({
  /** null: a program's request, which is of no chat. */
  chatId: Nullable(Type.String()),
  /**
   * Whose request it is, where it is of no chat: its KV state serves that program's other requests that begin alike, and no other's, since how
   * much was there already tells what others asked.
   */
  program: Type.Optional(Type.String()),
  prompt: Type.Union([Prompt, RawPrompt]),
  sampling: Sampling,
  /** More urgent first among those that wait: 0 a person in front of the page, 1 a program. */
  priority: Type.Integer({ minimum: 0, maximum: 1 }),
  /** Texts that end the answer, and are no part of it. */
  stop: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { maxItems: 16 })),
  form: Type.Optional(AnswerForm),
  toolChoice: Type.Optional(ToolChoice),
  /** False: one call at most. */
  parallelToolCalls: Type.Optional(Type.Boolean()),
  /** So many of the likeliest tokens beside each; 0: the sampled one alone; absent: none is told. */
  logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
  tokenIds: Type.Optional(Type.Boolean()),
  /** The model's own end does not end the answer. */
  ignoreEnd: Type.Optional(Type.Boolean()),
})
export type GenerateRequest = Static<typeof GenerateRequest>

/** Where and under which key the KV state of a chat lies on disk. */
const ByChat = Type.Object({ chatId: Type.String() })

export const inferenceContract = {
  model: {
    /** Reads and checks a GGUF file without loading it. Refuses with `model-corrupt`, `model-not-gguf`, `model-unsupported`. */
    inspect: call(Type.Object({ path: Type.String() }), ModelFile),
    /** SHA-256 of a file, with progress: tens of seconds for large ones, so it runs here and not in the engine. */
    hash: stream(
      Type.Object({ path: Type.String() }),
      Type.Union([
        Type.Object({ type: Type.Literal('hash-progress'), fraction: Type.Number() }),
        Type.Object({ type: Type.Literal('hash-finished'), hash: Type.String() }),
      ]),
    ),
    load: stream(
      Type.Object({
        path: Type.String(),
        modelId: Type.String(),
        backend: Backend,
        threads: Nullable(Type.Integer()),
        contextTokens: Nullable(Type.Integer()),
        /** Memory the model may take in all, in bytes; null: found out here. */
        memoryBytes: Nullable(Type.Integer()),
      }),
      Type.Union([
        Type.Object({ type: Type.Literal('load-progress'), fraction: Type.Number() }),
        Type.Object({ type: Type.Literal('model-loaded'), loaded: LoadedModel }),
      ]),
    ),
  },
  tokens: {
    /** Exact tokens of each message as the template writes it, and of what frames them all; `total` is what `generate` would prefill. */
    count: call(Prompt, Type.Object({ each: Type.Array(Type.Integer()), frame: Type.Integer(), total: Type.Integer() })),
    countText: call(Type.Object({ text: Type.String() }), Type.Object({ tokens: Type.Integer() })),
  },
  chat: {
    /** One answer. Cancelling ends it with the slice or token under way. Refuses with `prompt-too-long`, `form-unusable`, `token-unknown`. */
    generate: stream(GenerateRequest, GenerateEvent),
    /** Computes a prompt that will probably come (a draft, a reopened chat); gives way to every answer. */
    prefill: call(
      Type.Object({ chatId: Type.String(), prompt: Prompt }),
      Type.Object({ tokens: Type.Integer(), cachedTokens: Type.Integer() }),
    ),
    /** Writes the chat's KV state (mode 0600, whole or not at all). Waits for its running answer. `tokens: 0`: there was none. */
    saveState: call(
      Type.Object({ chatId: Type.String(), path: Type.String() }),
      Type.Object({ tokens: Type.Integer(), bytes: Type.Integer() }),
    ),
    /**
     * Loads a KV state that `saveState` wrote. Refuses with `state-unusable` what was written by another model, other settings or is not whole.
     * The next prompt uses of it what it begins with.
     */
    loadState: call(Type.Object({ chatId: Type.String(), path: Type.String() }), Type.Object({ tokens: Type.Integer() })),
    /** From now on the chat's state is saved to `path` before another chat takes its place in memory; null: no longer. */
    saveBeforeEviction: call(Type.Object({ chatId: Type.String(), path: Nullable(Type.String()) }), Nothing),
    /** Tells of each state that was saved that way. */
    watchSaved: stream(Nothing, Type.Object({ chatId: Type.String(), tokens: Type.Integer(), bytes: Type.Integer() })),
    /** Forgets the chat's KV state in memory. */
    forget: call(ByChat, Nothing),
  },
  process: {
    stats: call(
      Nothing,
      Type.Object({
        running: Type.Integer(),
        waiting: Type.Integer(),
        usedTokens: Type.Integer(),
        capacityTokens: Type.Integer(),
        rssBytes: Type.Integer(),
      }),
    ),
  },
}
export type InferenceContract = typeof inferenceContract
