// One model server, which speaks vLLM's OpenAI API: vLLM itself, or the headless engine that stands in for it on one machine.
import { failure } from '@fusion/shared/contract/failures.ts'
import { createEventReader } from '@fusion/shared/http/read-events.ts'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { Pool } from 'undici'
import { inSpan, traceHeaders } from '../telemetry/trace.ts'
import { type OpenStream, openStream } from './open-stream.ts'
import { parseReply, readText } from './read-reply.ts'
import { type Refusal, refusalOf, wrongRequest } from './refusal.ts'

export interface ServerAddress {
  url: string
  apiKey?: string
  /** Which weights it runs, in the operator's words (revision, quantization): only servers with the same go on with each other's answers. */
  weights?: string
  /** The window of its models, for a server that does not list it. */
  window?: number
  /** false: it knows nothing of token ids and refuses to be asked for them, as TensorRT-LLM does. Nobody goes on with its answers. */
  tokenIds?: boolean
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

/** A server that could not be reached or broke off, as apart from one that refused. */
export class ServerLost extends Error {
  /** Whether it had the request: only then the request may be what broke it. */
  readonly reached: boolean
  constructor(message: string, { reached = true, cause }: { reached?: boolean; cause?: unknown } = {}) {
    super(message, { cause })
    this.reached = reached
  }
}
/** It answered with an error. `told`: its words for whoever asked, where the request was at fault. */
export class ServerRefused extends Error {
  readonly status: number
  readonly told: Refusal | undefined
  constructor(status: number, told?: Refusal) {
    super(`the model server answered ${status}`)
    this.status = status
    this.told = told
  }
}

const CONNECT_MS = 3_000
const SHORT_MS = 10_000
/** Of one token, by a server that may be computing for others. */
const TRIAL_MS = 30_000
/** Before it answers with headers a server may compute a whole answer. */
const LONGEST_MS = 600_000
/** Bytes of a list of models, and of figures. */
const MOST_SHORT = 4_000_000
/** Of an answer that comes as a whole: embeddings of some thousand texts. The tokens of the longest prompt are far fewer. */
const MOST_WHOLE = 256_000_000

/** A model of many gigabytes is brought back into a GPU. */
const WAKE_MS = 120_000
const Sleeping = Type.Object({ is_sleeping: Type.Boolean() })
const DetokenizedText = Type.Object({ prompt: Type.String() })

/** One event of a stream: `event` is its data, read; undefined for the `[DONE]` that ends completions. */
export interface StreamedEvent {
  data: string
  event: unknown
}

/** The events of a streamed answer, in order, whole. */
export interface EventStream {
  /**
   * The next events, which came in one piece; undefined behind the last ones. Throws `ServerRefused` for an error that the server tells after its 200,
   * `ServerLost` where it breaks off, sends what is no event, or ends without saying so, and the signal's reason. No promise where they are there
   * already: one for each token took more time than reading it.
   */
  next(): Promise<readonly StreamedEvent[] | undefined> | readonly StreamedEvent[] | undefined
  /** Called once, in any case. What was not read to its end is ended, and with it the computing. */
  leave(): void
}

/** Who is told how many tokens each answer had. */
export interface TokenAccount {
  told(tokens: number): void
  /** An answer was left, or did not say how long it was. */
  cut(): void
}
const nobody: TokenAccount = { told: () => {}, cut: () => {} }

export type ModelServer = ReturnType<typeof createModelServer>

/** Opens no connection yet. `label` names it to admins and in metrics: host and port, never a key. */
export function createModelServer(
  // Without token ids it could not go on with an answer that one of the same name with them began: its weights count as others.
  { url, apiKey, window, tokenIds = true, weights = tokenIds ? '' : 'without token ids' }: ServerAddress,
  { longestAnswerMs = LONGEST_MS, account = nobody }: { longestAnswerMs?: number; account?: TokenAccount } = {},
) {
  const { origin, host, pathname } = new URL(url)
  const base = pathname.replace(/\/(?:v1\/?)?$/, '')
  const pool = new Pool(origin, {
    connections: null,
    connectTimeout: CONNECT_MS,
    // Whoever waits for tokens has shorter patience of its own.
    headersTimeout: longestAnswerMs,
    bodyTimeout: longestAnswerMs,
    // vLLM's own server closes idle connections after 5 s: ours go before, or a request meets one that is closing.
    keepAliveTimeout: 4_000,
  })

  const headers = (): Record<string, string> => ({
    accept: 'application/json, text/event-stream',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    ...traceHeaders(),
  })

  /** Resolves when its answer begins. */
  async function request(
    method: 'GET' | 'POST',
    path: string,
    { body, signal }: { body?: unknown; signal: AbortSignal },
  ): Promise<OpenStream> {
    return inSpan(`model server ${path}`, { kind: 'client', attributes: { 'server.address': host } }, async () => {
      const asked = {
        method,
        path: base + path,
        headers: { ...headers(), ...(body !== undefined && { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
      }
      try {
        return await openStream(pool, asked, signal)
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw new ServerLost('the model server could not be reached', { reached: !neverConnected(error), cause: error })
      }
    })
  }

  async function json(
    method: 'GET' | 'POST',
    path: string,
    { most = MOST_WHOLE, ...options }: { body?: unknown; signal: AbortSignal; most?: number },
  ): Promise<unknown> {
    const answer = await request(method, path, options)
    refuseOthers(answer)
    return readJson(answer, { signal: options.signal, most })
  }

  function keepAccount(answer: unknown): void {
    const made = typeof answer === 'object' && answer !== null ? madeOf(answer) : undefined
    if (made === undefined) account.cut()
    else account.told(made)
  }

  /** What has no answer but its status. */
  async function tell(path: string): Promise<void> {
    const answer = await request('POST', path, { signal: AbortSignal.timeout(WAKE_MS) })
    refuseOthers(answer)
    answer.letEnd()
  }

  return {
    label: host,
    weights,
    async models(): Promise<ListedModel[]> {
      const listed = await json('GET', '/v1/models', { signal: AbortSignal.timeout(SHORT_MS), most: MOST_SHORT })
      if (!Value.Check(Listed, listed)) throw new ServerLost('the model server did not list its models')
      return window === undefined ? listed.data : listed.data.map(one => ({ max_model_len: window, ...one }))
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

    /** Throws where it makes no token, or is not there. One that refuses to make a token of words answers well: it makes embeddings alone. */
    async tryOut(model: string, patienceMs = TRIAL_MS): Promise<void> {
      const asked = { model, prompt: 'Hi', max_tokens: 1, temperature: 0 }
      try {
        keepAccount(await json('POST', '/v1/completions', { body: asked, signal: AbortSignal.timeout(patienceMs) }))
      } catch (error) {
        if (!(error instanceof ServerRefused) || error.status >= 502 || error.status === 500 || error.status === 429) throw error
      }
    },

    /** Whether its model is out of its GPU's memory: vLLM's sleep mode. */
    async isAsleep(): Promise<boolean> {
      const told = await json('GET', '/is_sleeping', { signal: AbortSignal.timeout(SHORT_MS) })
      return Value.Check(Sleeping, told) && told.is_sleeping
    },
    sleep: () => tell('/sleep?level=1'),
    wakeUp: () => tell('/wake_up'),
    /** Some tokens of a longer prompt, so that what is made at the first use is there. */
    async warmUp(model: string): Promise<void> {
      const asked = { model, prompt: 'Hi '.repeat(256), max_tokens: 8, temperature: 0 }
      keepAccount(await json('POST', '/v1/completions', { body: asked, signal: AbortSignal.timeout(WAKE_MS) }))
    },

    /** Its figures in Prometheus' text; undefined where it tells none. */
    async metrics(): Promise<string | undefined> {
      const answer = await request('GET', '/metrics', { signal: AbortSignal.timeout(SHORT_MS) })
      if (answer.statusCode === 200) return readText(answer, MOST_SHORT)
      answer.letEnd()
      return undefined
    },

    /** The text of tokens, as the model's tokenizer writes it. Throws `ServerLost` or `ServerRefused`. */
    async detokenize(model: string, tokens: readonly number[], signal: AbortSignal): Promise<string> {
      const told = await json('POST', '/detokenize', { body: { model, tokens }, signal })
      if (!Value.Check(DetokenizedText, told)) throw new ServerLost('the model server did not write tokens out')
      return told.prompt
    },

    /** A streamed answer, when it begins. `signal` ends it. Throws `ServerLost` or `ServerRefused`. */
    async stream(path: string, body: object, signal: AbortSignal): Promise<EventStream> {
      const asked: Record<string, unknown> = { ...body, stream: true }
      if (!tokenIds) delete asked['return_token_ids']
      const answer = await request('POST', path, { body: asked, signal })
      if (answer.statusCode !== 200) throw new ServerRefused(answer.statusCode, await refusalOf(answer))
      return eventsOf(answer, { signal, account })
    },

    /** An answer that comes as a whole, as JSON. Throws as `stream` does. */
    async whole(path: string, body: object, signal: AbortSignal): Promise<unknown> {
      let answer: unknown
      try {
        const reply = await request('POST', path, { body, signal })
        if (reply.statusCode !== 200) throw new ServerRefused(reply.statusCode, await refusalOf(reply))
        answer = await readJson(reply, { signal, most: MOST_WHOLE })
        return answer
      } finally {
        keepAccount(answer)
      }
    },

    close: () => pool.destroy(),
  }
}

/** Throws where it is not answered with 200. */
function refuseOthers(answer: OpenStream): void {
  if (answer.statusCode === 200) return
  answer.letEnd()
  throw new ServerRefused(answer.statusCode)
}

async function readJson(answer: OpenStream, { signal, most }: { signal: AbortSignal; most: number }): Promise<unknown> {
  try {
    return parseReply(await readText(answer, most))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw new ServerLost('the model server did not answer with JSON', { cause: error })
  }
}

/** It tells so, within a stream, what went wrong when it had begun. */
const isBroken = (event: object): boolean => 'error' in event && event.error !== null && event.error !== undefined
/** The last event of a response. */
const lastEvents = new Set<unknown>(['response.completed', 'response.incomplete', 'response.failed'])

function eventsOf(answer: OpenStream, { signal, account }: { signal: AbortSignal; account: TokenAccount }): EventStream {
  const reader = createEventReader()
  let ended = false
  let done = false
  let wrong: { error: unknown } | undefined
  let made: number | undefined

  function take(): ReturnType<EventStream['next']> {
    for (;;) {
      if (wrong) throw wrong.error
      // What stands behind the end is nothing of the answer.
      if (done) return undefined
      const piece = answer.next()
      if (piece instanceof Promise) return later(piece)
      if (!piece) return end()
      const events = eventsIn(piece)
      if (events.length > 0) return events
    }
  }
  async function later(piece: Promise<Buffer | undefined>): Promise<readonly StreamedEvent[] | undefined> {
    try {
      const bytes = await piece
      if (!bytes) return end()
      const events = eventsIn(bytes)
      if (events.length > 0) return events
    } catch (error) {
      throw lost(error)
    }
    return next()
  }
  /** Those that are whole with this piece. What is wrong with one of them is told behind those before it. */
  function eventsIn(piece: Buffer): StreamedEvent[] {
    const events: StreamedEvent[] = []
    for (const { data } of reader.read(piece)) {
      try {
        events.push(readEvent(data))
      } catch (error) {
        wrong = { error }
      }
      if (done || wrong) break
    }
    return events
  }
  function readEvent(data: string): StreamedEvent {
    if (data === '[DONE]') {
      done = true
      return { data, event: undefined }
    }
    const event = parseReply(data)
    if (typeof event !== 'object' || event === null) throw new ServerLost('the model server sent what is no event')
    if (isBroken(event) && !('type' in event)) throw new ServerRefused(500)
    ended ||= 'type' in event && lastEvents.has(event.type)
    made = madeOf(event) ?? made
    return { data, event }
  }
  function end(): undefined {
    if (!ended) throw new ServerLost('the model server ended its answer without saying so')
    return undefined
  }
  function lost(error: unknown): unknown {
    if (signal.aborted) return signal.reason
    if (error instanceof ServerLost || error instanceof ServerRefused) return error
    return new ServerLost('the model server broke off', { cause: error })
  }
  function next(): ReturnType<EventStream['next']> {
    try {
      return take()
    } catch (error) {
      throw lost(error)
    }
  }

  return {
    next,
    leave() {
      if ((done || ended) && made !== undefined) account.told(made)
      else account.cut()
      if (done) answer.letEnd()
      else answer.destroy()
    },
  }
}

/** Tokens of an answer, by the usage that stands with it or in its last event; undefined where none does. */
function madeOf(answer: object): number | undefined {
  const { usage, response } = answer as { usage?: unknown; response?: { usage?: unknown } | null }
  const { completion_tokens: made, output_tokens: ofResponse } = (usage ?? response?.usage ?? {}) as Record<string, unknown>
  const told = made ?? ofResponse
  return typeof told === 'number' ? told : undefined
}

const neverConnected = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'].includes(String(error.code))

/** How a person is told what went wrong with a model server. */
export function asFailure(error: unknown): unknown {
  if (error instanceof ServerLost) return failure('model-server-lost')
  if (error instanceof ServerRefused) {
    if (error.told) return wrongRequest(error.told)
    return error.status === 429
      ? failure('overloaded', undefined, { retryable: true })
      : failure('model-server-refused', { status: error.status })
  }
  return error
}
