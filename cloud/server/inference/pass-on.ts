// A request of a program, passed on to a model server, and its answer passed back: here a closed connection is the cancel.
import { once } from 'node:events'
import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { StreamedRequest } from '@fusion/shared/contract/cloud/openai.ts'
import { readEvents } from '@fusion/shared/http/read-events.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyReply } from 'fastify'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Dispatcher } from 'undici'
import { asFailure, type ModelServer, ServerLost, ServerRefused } from './model-server.ts'
import type { Models } from './models.ts'
import { prepareRequest, type Preparing } from './prepare-request.ts'
import type { Recorded } from './record.ts'

export interface Passed extends Preparing {
  models: Models
  /** Of the API: the model server has the same. */
  path: string
  body: StreamedRequest
  reply: FastifyReply
  /** An error in OpenAI's shape, for one that comes when the answer has begun. */
  told: (error: unknown) => object
}

const MaybeCount = Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]))
/** Usage as completions have it, and as responses have it. */
const Usage = Type.Object({
  prompt_tokens: MaybeCount,
  completion_tokens: MaybeCount,
  input_tokens: MaybeCount,
  output_tokens: MaybeCount,
  prompt_tokens_details: Type.Optional(Type.Union([Type.Object({ cached_tokens: MaybeCount }), Type.Null()])),
  input_tokens_details: Type.Optional(Type.Union([Type.Object({ cached_tokens: MaybeCount }), Type.Null()])),
})
const WithUsage = Type.Object({ usage: Usage })
const Finished = Type.Object({ response: WithUsage })
const Chunk = Type.Object({ choices: Type.Array(Type.Unknown()) })
/** vLLM tells so, within a stream, what went wrong when it had begun. */
const Broken = Type.Object({ error: Type.Unknown() })
/** The last event of a response. */
const Ended = Type.Object({
  type: Type.Union(['response.completed', 'response.incomplete', 'response.failed'].map(name => Type.Literal(name))),
})
/** Longer ones are not an error's. */
const MAX_ERROR = 65_536

/** Passes it on, and writes the whole reply. Throws, with nothing written, what a client is told by status. */
export async function passOn({
  models,
  path,
  body,
  reply,
  told,
  ...preparing
}: Passed): Promise<Pick<Recorded, 'usage' | 'server' | 'end'>> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const streams = body.stream === true
  const wantsUsage = body.stream_options?.include_usage === true
  const asked = prepareRequest(path, body, preparing)
  // Always counted; whoever did not ask is not shown. Responses tell it in their last event.
  if (streams && path !== '/v1/responses') asked['stream_options'] = { ...body.stream_options, include_usage: true }

  const reached = await reach()
  if (!reached) {
    reply.hijack()
    return { usage: counted(0), server: null, end: 'stopped' }
  }
  const { server, answer } = reached
  if (answer.statusCode !== 200) throw await refusal(answer)
  return { ...(await (streams ? passStream(server, answer) : passWhole(answer, reply, gone.signal))), server: server.label }

  /** Nothing was answered yet, so where one server is lost another is asked, once. Nothing where the client has gone. */
  async function reach(): Promise<{ server: ModelServer; answer: Dispatcher.ResponseData } | undefined> {
    const tried = new Set<ModelServer>()
    for (;;) {
      const server = models.choose(body.model, tried)
      try {
        return { server, answer: await server.pass(path, asked, gone.signal) }
      } catch (error) {
        if (gone.signal.aborted) return undefined
        if (error instanceof ServerLost) models.seen(server, false)
        if (tried.size > 0 || !(error instanceof ServerLost)) throw asFailure(error)
        tried.add(server)
      }
    }
  }

  async function passStream(from: ModelServer, { body: bytes }: Dispatcher.ResponseData): Promise<Pick<Recorded, 'usage' | 'end'>> {
    let usage: GenerationUsage | undefined
    let chunks = 0
    let ended = false
    try {
      for await (const { data } of readEvents(bytes)) {
        const event = data === '[DONE]' ? undefined : (JSON.parse(data) as unknown)
        if (Value.Check(Broken, event) && event.error !== null) throw new ServerRefused(500)
        ended ||= event === undefined || Value.Check(Ended, event)
        const shown = usageOf(event)
        usage = shown ?? usage
        const isCount = Value.Check(Chunk, event) && event.choices.length === 0 && shown !== undefined
        if (event !== undefined && !isCount) chunks += 1
        if (isCount && !wantsUsage) continue
        if (!reply.sent) openStream(reply)
        await write(reply, `${named(event)}data: ${data}\n\n`, gone.signal)
      }
      if (!ended) throw new Error('it ended without saying so')
      reply.raw.end()
      return { usage: usage ?? counted(chunks), end: 'complete' }
    } catch (error) {
      if (gone.signal.aborted) {
        if (!reply.sent) reply.hijack()
        return { usage: usage ?? counted(chunks), end: 'stopped' }
      }
      // One that tells an error of this request answers others well.
      if (!(error instanceof ServerRefused)) models.seen(from, false)
      const lost = asFailure(error instanceof ServerRefused ? error : new ServerLost('the model server broke off', { cause: error }))
      // By status while there is one to tell it by.
      if (!reply.sent) throw lost
      reply.raw.end(`data: ${JSON.stringify(told(lost))}\n\n`)
      return { usage: usage ?? counted(chunks), end: 'failed' }
    } finally {
      bytes.destroy()
    }
  }
}

async function passWhole(
  { body }: Dispatcher.ResponseData,
  reply: FastifyReply,
  gone: AbortSignal,
): Promise<Pick<Recorded, 'usage' | 'end'>> {
  try {
    const answer = await body.json()
    reply.hijack()
    head(reply, 'application/json; charset=utf-8')
    reply.raw.end(JSON.stringify(answer))
    return { usage: usageOf(answer) ?? counted(0), end: 'complete' }
  } catch (error) {
    if (gone.aborted) {
      reply.hijack()
      return { usage: counted(0), end: 'stopped' }
    }
    throw asFailure(new ServerLost('the model server broke off', { cause: error }))
  }
}

function openStream(reply: FastifyReply): void {
  reply.hijack()
  head(reply, 'text/event-stream; charset=utf-8')
  reply.raw.flushHeaders()
}

function head(reply: FastifyReply, type: string): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
  reply.raw.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
}

/** A client that takes nothing holds up the model server, and not our memory. */
async function write(reply: FastifyReply, text: string, gone: AbortSignal): Promise<void> {
  if (gone.aborted) throw gone.reason
  if (reply.raw.write(text)) return
  await once(reply.raw, 'drain', { signal: gone })
}

/** Responses name their events; completions have none. */
function named(event: unknown): string {
  const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined
  return typeof type === 'string' && /^[\w.-]{1,100}$/.test(type) ? `event: ${type}\n` : ''
}

function usageOf(answer: unknown): GenerationUsage | undefined {
  const usage = Value.Check(WithUsage, answer) ? answer.usage : Value.Check(Finished, answer) ? answer.response.usage : undefined
  if (!usage) return undefined
  const promptTokens = usage.prompt_tokens ?? usage.input_tokens ?? 0
  const cached = usage.prompt_tokens_details?.cached_tokens ?? usage.input_tokens_details?.cached_tokens ?? 0
  return {
    promptTokens,
    cachedTokens: Math.min(promptTokens, cached),
    completionTokens: usage.completion_tokens ?? usage.output_tokens ?? 0,
  }
}

/** Of an answer whose server told none: a chunk is a token, nearly always. */
const counted = (chunks: number): GenerationUsage => ({ promptTokens: 0, cachedTokens: 0, completionTokens: chunks })

/** What a model server refused: what was wrong with the request is the client's to read, without places of the server's; the rest is not. */
async function refusal({ statusCode, body }: Dispatcher.ResponseData): Promise<unknown> {
  const text = await body.text().catch(() => '')
  if (statusCode === 400 || statusCode === 422) {
    const { message, param, code } = wordsOf(text)
    return new WrongRequest(message ?? 'The model server did not take this request.', { status: 400, param, code })
  }
  return asFailure(new ServerRefused(statusCode))
}

const Told = Type.Object({
  error: Type.Object({
    message: Type.String({ maxLength: 2000 }),
    param: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
    code: Type.Optional(Type.Union([Type.String({ maxLength: 100 }), Type.Integer(), Type.Null()])),
  }),
})
type Words = { message: string | null; param: string | null; code: string | null }

function wordsOf(text: string): Words {
  try {
    const told: unknown = text.length > MAX_ERROR ? undefined : JSON.parse(text)
    if (!Value.Check(Told, told)) return { message: null, param: null, code: null }
    const { message, param, code } = told.error satisfies Static<typeof Told>['error']
    return { message: withoutPlaces(message), param: param ?? null, code: typeof code === 'string' ? code : null }
  } catch {
    return { message: null, param: null, code: null }
  }
}

/** Paths and addresses of the server's own are nobody's to read. */
const withoutPlaces = (words: string) => words.replaceAll(/https?:\/\/[^\s'"]+|(?:\/[\w.@-]+){2,}/g, '…')
