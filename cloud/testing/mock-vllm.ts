// A mock of vLLM: its routes, words and figures over a mock engine. `npm run test:long` holds it against the real one.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMockEngine, type EngineShape, type MockEngine, type Sequence } from './mock-engine.ts'
import type { Fault } from './mock-faults.ts'
import { metricsText } from './mock-metrics.ts'
import { type ChatTurn, createModelState, detokenize, templated, tokenize } from './mock-model.ts'
import { createWriter } from './mock-stream.ts'

export interface MockRequest {
  path: string
  body: Record<string, unknown>
}

export interface MockVllmOptions {
  model?: string
  window?: number
  /** 0: a free one. */
  port?: number
  shape?: Partial<EngineShape>
  /** What goes wrong with a request for an answer. Trials of one token go well while the server is there, unless `trials` says so. */
  fault?: (request: MockRequest) => Fault | undefined
  /** Of `/wake_up`. */
  wakeMs?: number
}

export interface MockVllm {
  url: string
  /** Requests for answers, in the order in which they came. */
  asked: MockRequest[]
  engine: MockEngine
  isUp(): boolean
  isAsleep(): boolean
  /** How often its figures were read. */
  scrapes(): number
  /** It computes nothing until what it returns is called. */
  pause(): () => void
  /** Every connection breaks, and none is taken. */
  kill(): void
  /** It is there again, at the same address, with an empty cache. */
  start(): Promise<void>
  close(): Promise<void>
}

/** As fast as it can. */
const INSTANT: EngineShape = {
  maxSequences: 256,
  batchTokens: 8192,
  blockTokens: 16,
  cacheBlocks: 65_536,
  stepMs: 0,
  prefillMsPerToken: 0,
  decodeMsPerSequence: 0,
}

export const MOCK_MODEL = 'mock'

export async function startMockVllm(options: MockVllmOptions = {}): Promise<MockVllm> {
  const { model = MOCK_MODEL, window = 4096, fault = () => undefined, wakeMs = 0 } = options
  const shape = { ...INSTANT, ...options.shape }
  const asked: MockRequest[] = []
  const deliver = new Map<Sequence, () => void>()
  let engine = createMockEngine(shape)
  let port = options.port ?? 0
  let server: Server | undefined
  let asleep = false
  let driving = false
  let going: Promise<void> | undefined
  let number = 0
  let scrapes = 0

  /** Steps as long as there is something to compute. Times under a millisecond are saved up: no timer is as short. */
  async function drive(): Promise<void> {
    if (driving) return
    driving = true
    let owed = 0
    for (let step = engine.step(); step; step = engine.step()) {
      await going
      owed += step.ms
      if (owed >= 1) {
        await sleep(Math.floor(owed))
        owed -= Math.floor(owed)
      } else await new Promise(setImmediate)
      for (const one of step.decoded) deliver.get(one)?.()
    }
    driving = false
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const data of request.setEncoding('utf8')) text += data
    const path = (request.url ?? '').split('?')[0]!
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    if (request.method === 'GET') return get(path, response)
    if (path === '/sleep') {
      asleep = true
      return json(response, 200, {})
    }
    if (path === '/wake_up') {
      await sleep(wakeMs)
      asleep = false
      return json(response, 200, {})
    }
    if (path === '/detokenize') return json(response, 200, { prompt: detokenize(body['tokens'] as number[]) })
    if (path === '/tokenize') {
      const tokens = promptOf(body)
      return json(response, 200, { count: tokens.length, max_model_len: window, tokens, token_strs: null })
    }
    if (path !== '/v1/chat/completions' && path !== '/v1/completions') return refuse(response, 404, 'Not Found')
    if (body['model'] !== model) return refuse(response, 404, `The model \`${String(body['model'])}\` does not exist.`)
    if (asleep) return refuse(response, 500, 'EngineCore is asleep')
    return answer({ path, body }, response)
  }

  function get(path: string, response: ServerResponse): void {
    if (path === '/v1/models')
      return json(response, 200, {
        object: 'list',
        data: [{ id: model, object: 'model', created: 0, owned_by: 'vllm', max_model_len: window }],
      })
    if (path === '/is_sleeping') return json(response, 200, { is_sleeping: asleep })
    if (path === '/version') return json(response, 200, { version: '0.32.0' })
    if (path === '/health') return void response.writeHead(200).end()
    if (path === '/load') return json(response, 200, { server_load: engine.running() + engine.waiting() })
    if (path === '/metrics') scrapes += 1
    if (path === '/metrics')
      return void response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metricsText(model, engine, shape))
    return refuse(response, 404, 'Not Found')
  }

  function answer(request: MockRequest, response: ServerResponse): void {
    const { path, body } = request
    const prompt = promptOf(body)
    const maxTokens =
      path === '/v1/completions'
        ? (numberOf(body['max_tokens']) ?? 16)
        : (numberOf(body['max_completion_tokens'] ?? body['max_tokens']) ?? window - prompt.length)
    if (prompt.length + Math.min(1, maxTokens) > window || prompt.length + (numberOf(body['max_tokens']) ?? 0) > window)
      return refuse(
        response,
        400,
        `This model's maximum context length is ${window} tokens. However, your request has ${prompt.length} input tokens.`,
      )
    const isTrial = body['stream'] !== true && maxTokens === 1
    if (!isTrial) asked.push(request)
    const wrong = isTrial ? undefined : fault(request)
    if (wrong?.kind === 'status') return refuse(response, wrong.status, 'wrong at /opt/secret/place')
    if (wrong?.kind === 'silent') return
    const endless = wrong?.kind === 'endless'
    const writer = createWriter({
      prompt,
      maxTokens: endless ? Infinity : maxTokens,
      minTokens: numberOf(body['min_tokens']) ?? 0,
      stops: [body['stop'] ?? []].flat().filter((one): one is string => typeof one === 'string' && one !== ''),
      stopTokens: [body['stop_token_ids'] ?? []].flat().filter((one): one is number => typeof one === 'number'),
      ignoreEnd: body['ignore_eos'] === true || endless,
    })
    const model_ = createModelState()
    for (const token of prompt) model_.read(token)
    const seed = body['temperature'] === 0 ? 0 : (numberOf(body['seed']) ?? 0)
    const sequence = engine.add({
      promptTokens: prompt.length,
      blocks: blocksOf(prompt, shape.blockTokens, JSON.stringify(body['cache_salt'] ?? '')),
    })
    const words = wordsOf({
      request,
      response,
      model: wrong?.kind === 'wrong-model' ? 'another' : model,
      prompt,
      id: `${isTrial ? 'trial' : 'cmpl'}-${++number}`,
      wrong,
    })
    const end = () => {
      deliver.delete(sequence)
      engine.end(sequence)
    }
    response.once('close', end)
    if (wrong && 'at' in wrong && wrong.at === 0 && !breakOff(wrong)) return end()
    deliver.set(sequence, () => {
      const token = model_.next(seed)
      model_.read(token)
      const written = writer.take(token)
      words.piece(written, written.finish ? usageOf() : undefined)
      if (written.finish) {
        words.finish(usageOf())
        end()
      } else if (wrong && 'at' in wrong && writer.made() === wrong.at && !breakOff(wrong)) end()
    })
    void drive()

    /** False: it computes no more of it. */
    function breakOff(with_: Fault): boolean {
      if (with_.kind === 'kill') words.flush(kill)
      else if (with_.kind === 'drop') words.flush(() => response.destroy())
      else if (with_.kind === 'error')
        words.raw(
          'data: {"error":{"message":"EngineCore died at /opt/secret/place","type":"InternalServerError","code":500}}\n\ndata: [DONE]\n\n',
          true,
        )
      else if (with_.kind === 'garbage') words.raw('data: {"choices": nonsense\n\n', true)
      else if (with_.kind === 'half')
        words.raw(Buffer.concat([Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"'), Buffer.from('ü').subarray(0, 1)]), false)
      else if (with_.kind === 'end') words.flush(() => response.end())
      else if (with_.kind === 'empty') words.keepEmpty()
      return false
    }

    function usageOf() {
      const { cachedTokens } = sequence
      const completion = writer.made()
      return {
        prompt_tokens: prompt.length,
        total_tokens: prompt.length + completion,
        completion_tokens: completion,
        prompt_tokens_details: { cached_tokens: cachedTokens },
      }
    }
  }

  function promptOf(body: Record<string, unknown>): number[] {
    const { messages, prompt } = body
    if (Array.isArray(messages)) return tokenize(templated(messages as ChatTurn[], body['continue_final_message'] === true))
    if (Array.isArray(prompt) && prompt.every(one => typeof one === 'number')) return prompt
    return tokenize(typeof prompt === 'string' ? prompt : JSON.stringify(prompt ?? ''))
  }

  function kill(): void {
    server?.close()
    server?.closeAllConnections()
    server = undefined
    for (const one of deliver.keys()) engine.end(one)
    deliver.clear()
  }

  async function start(): Promise<void> {
    engine = createMockEngine(shape)
    server = createServer((request, response) => {
      void handle(request, response).catch(() => response.destroy())
    })
    server.keepAliveTimeout = 5_000
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  await start()
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get engine() {
      return engine
    },
    isUp: () => server !== undefined,
    isAsleep: () => asleep,
    scrapes: () => scrapes,
    pause() {
      const { promise, resolve } = Promise.withResolvers<void>()
      going = promise
      return () => {
        going = undefined
        resolve()
      }
    },
    kill,
    start,
    async close() {
      const closing = server && once(server, 'close')
      kill()
      await closing
    },
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function blocksOf(tokens: readonly number[], size: number, salt: string): number[] {
  const blocks: number[] = []
  let before: Buffer = createHash('sha1').update(salt).digest()
  for (let from = 0; from + size <= tokens.length; from += size) {
    before = createHash('sha1')
      .update(before)
      .update(tokens.slice(from, from + size).join(','))
      .digest()
    blocks.push(before.readUIntBE(0, 6))
  }
  return blocks
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function refuse(response: ServerResponse, status: number, message: string): void {
  json(response, status, { error: { message, type: status < 500 ? 'BadRequestError' : 'InternalServerError', param: null, code: status } })
}

type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number }

/** The answer in vLLM's words: a stream of chunks, or one object. */
function wordsOf({
  request: { path, body },
  response,
  model,
  prompt,
  id,
  wrong,
}: {
  request: MockRequest
  response: ServerResponse
  model: string
  prompt: readonly number[]
  id: string
  wrong: Fault | undefined
}) {
  const isChat = path === '/v1/chat/completions'
  const streams = body['stream'] === true
  const wantsIds = body['return_token_ids'] === true && wrong?.kind !== 'no-token-ids'
  const wantsUsage =
    (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true && wrong?.kind !== 'no-usage'
  const ground = { id, object: isChat ? 'chat.completion.chunk' : 'text_completion', created: 0, model }
  let whole = ''
  let ids: number[] = []
  let begun = false
  /** Bytes come one by one, each in a packet of its own. */
  let slow = Promise.resolve()

  function write(bytes: string | Uint8Array): void {
    if (wrong?.kind !== 'dribble') return void response.write(bytes)
    slow = oneByOne(slow, bytes)
  }
  async function oneByOne(before: Promise<void>, bytes: string | Uint8Array): Promise<void> {
    await before
    for (const byte of Buffer.from(bytes)) {
      response.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
  }
  const send = (chunk: object) => write(`data: ${JSON.stringify({ ...ground, ...chunk })}\n\n`)
  const choice = (said: object, more: object = {}) => [{ index: 0, ...said, logprobs: null, finish_reason: null, ...more }]

  function begin(): void {
    if (begun) return
    begun = true
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    if (isChat) send({ choices: choice({ delta: { role: 'assistant', content: '' } }), prompt_token_ids: wantsIds ? prompt : null })
  }

  return {
    piece({ text, tokens, finish }: { text: string; tokens: number[]; finish: string | null }, usage: Usage | undefined): void {
      whole += text
      ids = [...ids, ...tokens]
      if (!streams) return
      const first = !begun
      begin()
      const told = { ...(wantsIds && { token_ids: tokens }), finish_reason: finish, ...((finish || !isChat) && { stop_reason: null }) }
      const withUsage = usage && wantsUsage && wrong?.kind === 'usage-with-text' ? { usage } : {}
      if (isChat) send({ choices: choice({ delta: { content: text } }, told), ...withUsage })
      else send({ choices: choice({ text }, { ...told, ...(wantsIds && first && { prompt_token_ids: prompt }) }), ...withUsage })
    },
    finish(usage: Usage): void {
      if (streams) {
        if (wantsUsage && wrong?.kind !== 'usage-with-text') send({ choices: [], usage })
        write('data: [DONE]\n\n')
        void slow.then(() => response.end())
        return
      }
      const said = isChat ? { message: { role: 'assistant', content: whole, tool_calls: [] } } : { text: whole }
      const finished = {
        finish_reason: usage.completion_tokens >= Number(body['max_tokens'] ?? Infinity) ? 'length' : 'stop',
        ...(wantsIds && { token_ids: ids }),
      }
      json(response, 200, { ...ground, object: isChat ? 'chat.completion' : 'text_completion', choices: choice(said, finished), usage })
    },
    raw(bytes: string | Uint8Array, ends: boolean): void {
      begin()
      response.write(bytes)
      if (ends) response.end()
    },
    /** What was written is on its way before `then`. */
    flush(then: () => void): void {
      begin()
      response.write(': \n\n', () => setImmediate(then))
    },
    /** Signs of life, and no token. */
    keepEmpty(): void {
      begin()
      const timer = setInterval(() => {
        response.write(': alive\n\n')
        send({ choices: choice(isChat ? { delta: {} } : { text: '' }) })
      }, 50)
      response.once('close', () => clearInterval(timer))
    },
  }
}
