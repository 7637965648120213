// A streamed completion, by as many servers as it takes: whoever reads it sees one answer.
import { failure } from '@fusion/shared/contract/failures.ts'
import { type AnswerSoFar, createAnswerSoFar } from './answer-so-far.ts'
import { askServers, type Watch } from './ask-servers.ts'
import { limitOf } from './asked-tokens.ts'
import { refusedParameter, restOf, stopsOf } from './continuation.ts'
import { type EventStream, type ModelServer, ServerLost, type StreamedEvent } from './model-server.ts'
import type { Models, Wanted } from './models.ts'
import type { PoolServer } from './pool/pool-server.ts'
import { type ChatChunk, type RawChunk, readChunk } from './server-chunk.ts'
import { createStopStrings } from './stop-strings.ts'
import { beginWaiting, type Patience } from './token-patience.ts'

export interface Asked {
  models: Models
  path: '/v1/chat/completions' | '/v1/completions'
  wanted: Wanted
  /** The request for this server. */
  body: (server: ModelServer, signal: AbortSignal) => Promise<Record<string, unknown>> | Record<string, unknown>
  patience: Patience
  watch: Watch
  signal: AbortSignal
  /** Another process began it, and died. */
  before?: MadeBefore | undefined
}

/** An answer that was begun, as far as it is known. */
export interface MadeBefore {
  /** As it was sent, without its prompt. */
  request: Record<string, unknown>
  promptIds: readonly number[]
  tokenIds: readonly number[]
  text: string
  /** It is still reasoning, or tokens of it are missing. */
  isExact: boolean
  /** Of the server that began it. */
  weights: string
  /** What its chunks have in common, where whoever asks sees them. */
  shape?: Record<string, unknown>
}

/** Of an answer, in characters: 64 for each token of a window of a million. */
const MOST_CHARACTERS = 64_000_000
/** Its beginning and its end are pieces, too. */
const SPARE_PIECES = 16
/** Tokens that hold a part of one character at most: bytes of UTF-8 but one. */
const MOST_OF_A_CHARACTER = 3

/**
 * The chunks of the answer, those together that came together, with the tokens that each made, and one usage at the end, of all servers together. Leaving the loop or `signal` ends the
 * computing. Throws what `askServers` throws, and `answer-not-continued` where a parameter of the request means something that can't be carried to
 * another server; what was yielded stands.
 */
export function streamAnswer({
  models,
  path,
  wanted,
  body,
  patience,
  watch,
  signal,
  before,
}: Asked): AsyncGenerator<ChatChunk[], void, void> {
  const { model } = wanted
  let soFar = createAnswerSoFar(before)
  let request: Record<string, unknown> = before?.request ?? {}
  let shape: Shape | undefined = before?.shape
  let limit = before ? (limitOf(path, before.request) ?? Infinity) : Infinity
  let finished = false
  let counted = false
  /** Of text whose tokens are not told. */
  let pieces = 0
  let characters = 0

  async function* chunksFrom(
    { server, isWell }: PoolServer,
    to: string,
    ask: (until: AbortSignal) => Promise<object> | object,
  ): AsyncGenerator<ChatChunk[], void, void> {
    // vLLM tells nothing at all of a reasoning that is to be left out, not even its tokens: that looks as a server does that hangs.
    const waiting = beginWaiting(patience, signal, ms => request['include_reasoning'] === false && isWell(ms))
    let events: EventStream | undefined
    try {
      // A server may hang before it is asked for the answer, where it counts the prompt.
      const asked = await ask(waiting.until)
      const options = { ...(request['stream_options'] as object | undefined), include_usage: true }
      const withIds = { return_token_ids: to === '/v1/completions' && request['echo'] === true ? request['return_token_ids'] : true }
      events = await server.stream(to, { ...asked, stream_options: options, ...withIds }, waiting.until)
      for (let more = true; more;) {
        waiting.wait()
        const coming = events.next()
        const come = coming instanceof Promise ? await coming : coming
        const chunks: ChatChunk[] = []
        try {
          for (const one of come ?? []) if (one.event !== undefined) chunks.push(take(one))
        } finally {
          // What came before one that is wrong stands.
          if (chunks.length > 0) yield chunks
        }
        more = come !== undefined
      }
      if (!finished) throw new ServerLost('the model server did not say why its answer ended')
    } finally {
      events?.leave()
      waiting.end()
    }

    function take({ event, data }: StreamedEvent): ChatChunk {
      const chunk = readChunk(event, model)
      chunk.data = data
      chunk.weights = server.weights
      waiting.came(chunk.isProgress)
      // What was not asked for is not waited for: an answer without an end is one, too.
      if (soFar.tokens() >= limit && (chunk.tokenIds?.length ?? 0) > 0)
        throw new ServerLost('the model server made more than it was asked for')
      characters += chunk.text.length + chunk.reasoning.length
      if (!chunk.tokenIds && chunk.single && chunk.isProgress) pieces += 1
      // A piece is a token, nearly always.
      const mostPieces = 2 * Math.min(limit, models.windowOf(model) ?? Infinity) + SPARE_PIECES
      if (pieces > mostPieces || characters > MOST_CHARACTERS) throw new ServerLost('the model server made more than fits its window')
      soFar.take(chunk)
      if (chunk.promptIds) limit = Math.min(limit, models.windowOf(model)! - chunk.promptIds.length)
      shape ??= shapeOf(chunk.raw)
      finished ||= chunk.finish !== undefined
      counted ||= Boolean(chunk.usage)
      return chunk
    }
  }

  function fresh(at: PoolServer): AsyncGenerator<ChatChunk[], void, void> {
    soFar = createAnswerSoFar()
    return chunksFrom(at, path, async until => {
      request = await body(at.server, until)
      limit = limitOf(path, request) ?? Infinity
      return request
    })
  }

  /** Goes on where another server broke off, by tokens. */
  async function* goOn(at: PoolServer): AsyncGenerator<ChatChunk[], void, void> {
    const prompt = soFar.promptIds()
    const usage = (completion: number) => ({
      prompt_tokens: prompt.length,
      completion_tokens: completion,
      total_tokens: prompt.length + completion,
    })
    // The last word of a server that broke off behind its answer.
    if (finished) {
      if (!counted) yield [inShape({ usage: usage(soFar.tokens()) })]
      return
    }
    const stops = stopsOf(request)
    const { pending, made } = await takeUp(at.server, stops, soFar, prompt)
    const matcher = createStopStrings(stops)
    const first = matcher.take(pending)
    if (first.text !== '') yield [inShape({ text: first.text })]
    const most = Number.isFinite(limit) ? limit : models.windowOf(model)! - prompt.length
    if (first.stopped || made >= most) {
      if (!first.stopped && matcher.end() !== '') yield [inShape({ text: matcher.end() })]
      finished = true
      yield [inShape({ finish: first.stopped ? 'stop' : 'length' })]
      return yield [inShape({ usage: usage(made) })]
    }
    const asked = { ...restOf(request, made), model, prompt: [...prompt, ...soFar.ids()], max_tokens: limit - made }
    let all = made
    for await (const chunks of chunksFrom(at, '/v1/completions', () => asked)) {
      const come: ChatChunk[] = []
      for (const chunk of chunks) {
        all += chunk.tokenIds?.length ?? 0
        const told = matcher.take(chunk.text)
        const ends = told.stopped ? 'stop' : chunk.finish
        const text = told.stopped || !ends ? told.text : told.text + matcher.end()
        if (text !== '' || ends || chunk.tokenIds?.length) come.push(inShape({ text, finish: ends, tokenIds: chunk.tokenIds }))
        if (told.stopped) {
          finished = true
          come.push(inShape({ usage: usage(all) }))
          return yield come
        }
        if (chunk.usage) come.push(inShape({ usage: usage(made + (chunk.usage.completion_tokens ?? all - made)) }))
      }
      yield come
    }
  }

  /** A piece of what goes on, as the first server would have sent it. */
  function inShape({ text = '', finish, tokenIds, usage }: Partial<Pick<ChatChunk, 'text' | 'finish' | 'tokenIds' | 'usage'>>): ChatChunk {
    const said = path === '/v1/completions' ? { text } : { delta: text === '' ? {} : { content: text } }
    const choice = { index: 0, ...said, logprobs: null, finish_reason: finish ?? null, ...(tokenIds && { token_ids: [...tokenIds] }) }
    const raw: RawChunk = { ...shape, choices: usage ? [] : [choice], ...(usage && { usage }) }
    const isProgress_ = text !== '' || finish !== undefined || (tokenIds?.length ?? 0) > 0
    return { text, reasoning: '', tokenIds, promptIds: undefined, finish, usage, single: true, isProgress: isProgress_, raw }
  }

  function whyNotOn(): unknown {
    if (finished) return undefined
    const parameter = refusedParameter(request)
    if (parameter !== undefined) return failure('answer-not-continued', { parameter })
    return soFar.isExact() ? undefined : failure('model-server-lost')
  }

  const whyNot = before && whyNotOn()
  if (whyNot !== undefined) throw whyNot
  return askServers({
    models,
    wanted,
    signal,
    watch,
    ask: (at, begun) => (begun ? goOn(at) : fresh(at)),
    isProgress,
    tokensIn,
    begunBy: before?.weights,
    whyNotOn,
  })

  /** Makes the tokens and the text that came agree: returns the text that is due, and how many tokens there are. */
  async function takeUp(server: ModelServer, stops: readonly string[], from: AnswerSoFar, prompt: readonly number[]) {
    if (stops.length === 0) return { pending: '', made: from.cut() }
    const { until, end } = beginWaiting(patience, signal)
    try {
      // A server that looks for stop strings holds text back: what its tokens say is asked for, without those of half a character at the end.
      const before = await server.detokenize(model, prompt, until)
      for (let made = from.tokens(); made >= Math.max(0, from.tokens() - MOST_OF_A_CHARACTER); made--) {
        const all = await server.detokenize(model, [...prompt, ...from.ids().slice(0, made)], until)
        if (all.endsWith('\ufffd')) continue
        const text = all.slice(before.length)
        if (!all.startsWith(before) || !text.startsWith(from.text())) break
        return { pending: text.slice(from.text().length), made: from.cut(made) }
      }
    } finally {
      end()
    }
    throw failure('answer-not-continued', { parameter: 'stop' })
  }
}

const isProgress = (chunks: readonly ChatChunk[]) => chunks.some(chunk => chunk.isProgress)
const tokensIn = (chunks: readonly ChatChunk[]) =>
  chunks.reduce((sum, { tokenIds, isProgress: one }) => sum + (tokenIds?.length ?? (one ? 1 : 0)), 0)

type Shape = Pick<RawChunk, 'model'> & Record<string, unknown>
function shapeOf(raw: RawChunk): Shape {
  const { choices: _, usage: __, prompt_token_ids: ___, ...shape } = raw
  return shape
}
