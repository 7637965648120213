// One model server, which speaks vLLM's OpenAI API: vLLM itself, or the headless engine that stands in for it on one machine.
import { failure } from '@fusion/shared/contract/failures.ts'
import { readEvents } from '@fusion/shared/http/read-events.ts'
import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { type Dispatcher, Pool } from 'undici'
import { inSpan, traceHeaders } from '../telemetry/trace.ts'

export interface ServerAddress {
  url: string
  apiKey?: string
  /** Which weights it runs, in the operator's words (revision, quantization): only servers with the same go on with each other's answers. */
  weights?: string
}

const Listed = Type.Object({
  data: Type.Array(
    Type.Object({
      id: Type.String({ minLength: 1 }),
      created: Type.Optional(Type.Number()),
      max_model_len: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
  ),
})
export type ListedModel = Static<typeof Listed>['data'][number]

const Tokenized = Type.Object({ count: Type.Integer({ minimum: 0 }), max_model_len: Type.Integer({ minimum: 1 }) })

/** A message as model servers take it. */
export interface ServerMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

const TokenIds = Type.Optional(Type.Union([Type.Array(Type.Integer()), Type.Null()]))
const ToldUsage = Type.Optional(
  Type.Union([
    Type.Object({
      prompt_tokens: Type.Integer(),
      completion_tokens: Type.Optional(Type.Integer()),
      prompt_tokens_details: Type.Optional(
        Type.Union([Type.Object({ cached_tokens: Type.Optional(Type.Union([Type.Integer(), Type.Null()])) }), Type.Null()]),
      ),
    }),
    Type.Null(),
  ]),
)
export type ToldUsage = Static<typeof ToldUsage>

/** What is read of a chunk of a streamed chat completion; what else a server sends is passed over. */
export const ChatChunk = Type.Object({
  /** Of the first chunk. */
  prompt_token_ids: TokenIds,
  choices: Type.Array(
    Type.Object({
      delta: Type.Optional(
        Type.Object({
          content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          // vLLM's name, and what it is to be called.
          reasoning_content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          reasoning: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        }),
      ),
      finish_reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      token_ids: TokenIds,
    }),
  ),
  usage: ToldUsage,
})
export type ChatChunk = Static<typeof ChatChunk>

/** The same of a completion, which goes on from tokens. */
export const CompletionChunk = Type.Object({
  choices: Type.Array(
    Type.Object({
      text: Type.Optional(Type.String()),
      finish_reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      token_ids: TokenIds,
    }),
  ),
  usage: ToldUsage,
})
export type CompletionChunk = Static<typeof CompletionChunk>

/** A server that could not be reached or broke off, as apart from one that refused. */
export class ServerLost extends Error {}
/** It answered with an error; `told` is for whoever asked, where the request was at fault, and is null where the server was. */
export class ServerRefused extends Error {
  readonly status: number
  constructor(status: number) {
    super(`the model server answered ${status}`)
    this.status = status
  }
}

const CONNECT_MS = 3_000
/** A first token can take a whole prefill, and a place in the server's line. */
const HEADERS_MS = 300_000
/** Between two chunks, however slow the model is. */
const BETWEEN_MS = 120_000
const SHORT_MS = 10_000

export type ModelServer = ReturnType<typeof createModelServer>

/** Opens no connection yet. `label` names it to admins and in metrics: host and port, never a key. */
export function createModelServer({ url, apiKey, weights = '' }: ServerAddress) {
  const { origin, host, pathname } = new URL(url)
  const base = pathname.replace(/\/(?:v1\/?)?$/, '')
  const pool = new Pool(origin, {
    connections: null,
    connectTimeout: CONNECT_MS,
    headersTimeout: HEADERS_MS,
    bodyTimeout: BETWEEN_MS,
    // vLLM's own server closes idle connections after 5 s: ours go before, or a request meets one that is closing.
    keepAliveTimeout: 4_000,
  })
  let inFlight = 0

  const headers = (): Record<string, string> => ({
    accept: 'application/json, text/event-stream',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    ...traceHeaders(),
  })

  async function request(
    method: 'GET' | 'POST',
    path: string,
    { body, signal }: { body?: unknown; signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    return inSpan(`model server ${path}`, { kind: 'client', attributes: { 'server.address': host } }, async () => {
      try {
        return await pool.request({
          method,
          path: base + path,
          headers: { ...headers(), ...(body !== undefined && { 'content-type': 'application/json' }) },
          body: body === undefined ? null : JSON.stringify(body),
          signal,
        })
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw new ServerLost('the model server could not be reached', { cause: error })
      }
    })
  }

  async function json(method: 'GET' | 'POST', path: string, options: { body?: unknown; signal: AbortSignal }): Promise<unknown> {
    const { statusCode, body } = await request(method, path, options)
    if (statusCode !== 200) {
      await body.dump()
      throw new ServerRefused(statusCode)
    }
    try {
      return await body.json()
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason
      throw new ServerLost('the model server did not answer with JSON', { cause: error })
    }
  }

  async function* stream<S extends TSchema>(
    path: string,
    schema: S,
    body: object,
    signal: AbortSignal,
  ): AsyncGenerator<Static<S>, void, void> {
    inFlight += 1
    try {
      const reply = await request('POST', path, { body: { ...body, stream: true }, signal })
      if (reply.statusCode !== 200) {
        await reply.body.dump()
        throw new ServerRefused(reply.statusCode)
      }
      yield* chunksOf(schema, reply.body, signal)
    } finally {
      inFlight -= 1
    }
  }

  return {
    label: host,
    weights,
    inFlight: () => inFlight,
    async models(): Promise<ListedModel[]> {
      const listed = await json('GET', '/v1/models', { signal: AbortSignal.timeout(SHORT_MS) })
      if (!Value.Check(Listed, listed)) throw new ServerLost('the model server did not list its models')
      return listed.data
    },

    /**
     * Exact tokens of a prompt in the model's own template, and what its window holds. `continued`: the last message is the beginning of the
     * answer. Throws `ServerLost` or `ServerRefused`.
     */
    async countTokens(
      { model, messages, continued }: { model: string; messages: readonly ServerMessage[]; continued: boolean },
      signal: AbortSignal,
    ): Promise<{ tokens: number; window: number }> {
      const asked = { model, messages, add_generation_prompt: !continued, continue_final_message: continued }
      const counted = await json('POST', '/tokenize', { body: asked, signal })
      if (!Value.Check(Tokenized, counted)) throw new ServerLost('the model server did not count')
      return { tokens: counted.count, window: counted.max_model_len }
    },

    /**
     * The chunks of a chat completion, in order, whole. Leaving the loop or `signal` ends the request, and with it the computing. Throws
     * `ServerRefused` before the first chunk; `ServerLost` when the server breaks off, sends what is no chunk, or ends without saying so.
     */
    streamChat: (body: object, signal: AbortSignal): AsyncGenerator<ChatChunk, void, void> =>
      stream('/v1/chat/completions', ChatChunk, body, signal),

    /** The same for a completion of a prompt in tokens. */
    streamCompletion: (body: object, signal: AbortSignal): AsyncGenerator<CompletionChunk, void, void> =>
      stream('/v1/completions', CompletionChunk, body, signal),

    /** Passes a request on as it is: status, headers and bytes come back as they come. Whoever asked reads or destroys the body. */
    async pass(path: string, body: unknown, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
      inFlight += 1
      try {
        const reply = await request('POST', path, { body, signal })
        reply.body.once('close', () => (inFlight -= 1))
        return reply
      } catch (error) {
        inFlight -= 1
        throw error
      }
    },

    close: () => pool.destroy(),
  }
}

async function* chunksOf<S extends TSchema>(
  schema: S,
  body: Dispatcher.ResponseData['body'],
  signal: AbortSignal,
): AsyncGenerator<Static<S>, void, void> {
  try {
    for await (const { data } of readEvents(body)) {
      if (data === '[DONE]') return
      const chunk: unknown = JSON.parse(data)
      if (!Value.Check(schema, chunk)) throw new ServerLost('the model server sent what is no chunk')
      yield chunk
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof ServerLost ? error : new ServerLost('the model server broke off', { cause: error })
  } finally {
    body.destroy()
  }
  throw new ServerLost('the model server ended its answer without saying so')
}

/** How a person is told what went wrong with a model server. */
export function asFailure(error: unknown): unknown {
  if (error instanceof ServerLost) return failure('model-server-lost')
  if (error instanceof ServerRefused) {
    return error.status === 429
      ? failure('overloaded', undefined, { retryable: true })
      : failure('model-server-refused', { status: error.status })
  }
  return error
}
