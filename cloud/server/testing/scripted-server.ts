// A model server in vLLM's words whose answers a test writes piece by piece, so that it can look at each moment of one.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ScriptedAnswer {
  /** As the cloud asked. */
  path: string
  body: Record<string, unknown>
  /** One chunk with this text, and so many tokens, whose ids go on from 100. */
  say(text: string, tokens?: number): void
  /** The same, thought and not said. */
  think(text: string): void
  /** Bytes as they are. */
  raw(bytes: string | Uint8Array): void
  /** The end, as vLLM writes it. */
  finish(reason?: 'stop' | 'length'): void
  /** Ends as if all were said. */
  end(): void
  /** Breaks the connection off. */
  drop(): void
  /** Resolves when the cloud has gone. */
  gone: Promise<unknown>
}

export interface ScriptedServer {
  url: string
  /** The next answer that is asked for. */
  next(): Promise<ScriptedAnswer>
  /** How the next requests of a path are answered instead; 'never': not at all; null: as ever. */
  refuse(path: string, status: number | 'never' | null): void
  close(): Promise<void>
}

export const MODEL = 'scripted'
/** Of every prompt, where a test says nothing else. */
export const PROMPT_TOKENS = 7
export const WINDOW = 1000

/** `tokens`: how many a prompt has. */
export async function startScriptedServer({
  tokens = () => PROMPT_TOKENS,
  promptIds,
}: {
  /** As vLLM tells them with the first chunk, where it is to. */
  promptIds?: readonly number[]
  tokens?: (messages: readonly { role: string; content: string }[]) => number
} = {}): Promise<ScriptedServer> {
  const refused = new Map<string, number | 'never' | null>()
  const asked: ScriptedAnswer[] = []
  const waiting: ((answer: ScriptedAnswer) => void)[] = []
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const data of request.setEncoding('utf8')) text += data
    const path = request.url ?? ''
    const status = refused.get(path)
    if (status === 'never') return
    if (typeof status === 'number') return void response.writeHead(status).end('{"error":{"message":"at /opt/secret/place"}}')
    if (path === '/v1/models') return json(response, { object: 'list', data: [{ id: MODEL, object: 'model', max_model_len: WINDOW }] })
    if (path === '/tokenize') {
      const { messages } = JSON.parse(text) as { messages: { role: string; content: string }[] }
      return json(response, { count: tokens(messages), max_model_len: WINDOW, tokens: [] })
    }
    if (request.method === 'GET') return void response.writeHead(404).end()
    const body = JSON.parse(text) as Record<string, unknown>
    // As the cloud tries out whether a server answers.
    if (path === '/v1/completions' && body['stream'] !== true && body['max_tokens'] === 1)
      return json(response, { object: 'text_completion', choices: [{ index: 0, text: '!', finish_reason: 'length' }] })
    const scripted = scriptedAnswer(path, body, response, promptIds)
    const taker = waiting.shift()
    if (taker) taker(scripted)
    else asked.push(scripted)
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () => {
      const first = asked.shift()
      return first ? Promise.resolve(first) : new Promise(resolve => waiting.push(resolve))
    },
    refuse: (path, status) => void refused.set(path, status),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function scriptedAnswer(
  path: string,
  body: Record<string, unknown>,
  response: ServerResponse,
  promptIds: readonly number[] | undefined,
): ScriptedAnswer {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  const isChat = path === '/v1/chat/completions'
  let completion = 0
  const send = (chunk: object) =>
    response.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: MODEL, ...chunk })}\n\n`)
  function piece(said: object, tokens: number): void {
    // A completion that goes on from an answer counts on from it.
    const from = 100 + completion + (isChat ? 0 : (body['prompt'] as number[]).length - (promptIds?.length ?? 0))
    const ids = Array.from({ length: tokens }, (_, index) => from + index)
    send({
      ...(completion === 0 && promptIds && { prompt_token_ids: promptIds }),
      choices: [{ index: 0, ...said, token_ids: ids, finish_reason: null }],
    })
    completion += tokens
  }
  return {
    path,
    body,
    say: (text, tokens = 1) => piece(isChat ? { delta: { content: text } } : { text }, tokens),
    think: text => piece({ delta: { reasoning_content: text } }, 1),
    raw: bytes => void response.write(bytes),
    finish(reason = 'stop') {
      send({ choices: [{ index: 0, ...(isChat ? { delta: {} } : { text: '' }), finish_reason: reason }] })
      send({
        choices: [],
        usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: completion, total_tokens: PROMPT_TOKENS + completion },
      })
      response.end('data: [DONE]\n\n')
    },
    end: () => void response.end(),
    drop: () => void response.destroy(),
    gone: once(response, 'close'),
  }
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
