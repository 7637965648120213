// The model server of the bench `gateway`: vLLM's words over timers, and nothing computed, so that one process is enough for every gateway.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { firstToken, laterToken, promptTokens, readQuestion, type Told } from '../../../cloud/testing/told-answer.ts'
import { emptyCount, type ModelCount } from './models.ts'

interface Asked {
  model: string
  stream?: boolean
  messages?: { content: string }[]
  stream_options?: { include_usage?: boolean }
  return_token_ids?: boolean
}

const counts = new Map<string, ModelCount>()
const nowUs = () => Math.round(Number(process.hrtime.bigint()) / 1000)

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function get(path: string | undefined, response: ServerResponse): void {
  if (path === '/counts') return json(response, Object.fromEntries(counts))
  if (path !== '/v1/models') return void response.writeHead(404).end()
  const models = ['whole', 'held', 'torn'].map(id => ({ id, object: 'model', created: 0, owned_by: 'vllm', max_model_len: 8192 }))
  return json(response, { object: 'list', data: models })
}

/** Its trial of one token. */
function trial(model: string, response: ServerResponse): void {
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  const choices = [{ index: 0, text: 'Hi', logprobs: null, finish_reason: 'length' }]
  json(response, { id: 'trial', object: 'text_completion', created: 0, model, choices, usage })
}

/** Tokens as they were written to the socket are counted, finished or not. */
function answer(asked: Asked, told: Told, question: string, cameUs: number, response: ServerResponse): void {
  const { model, return_token_ids: wantsIds = false } = asked
  const { number, tokens, firstMs, betweenMs, heldAt = Infinity } = told
  const count = counts.get(model) ?? emptyCount()
  counts.set(model, count)
  count.requests++
  const prompt = promptTokens(question)
  const ground = `{"id":"chatcmpl-${number}","object":"chat.completion.chunk","created":0,"model":"${model}",`
  const write = (event: string) => response.write(`data: ${ground}${event}}\n\n`)
  let made = 0
  let timer: NodeJS.Timeout | undefined

  function begin(): void {
    const ids = wantsIds ? JSON.stringify(Array.from({ length: prompt }, (_, index) => 1000 + ((number + index) % 50_000))) : 'null'
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    write(
      `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":${ids}`,
    )
    count.promptTokens += prompt
  }
  function token(): void {
    if (made === heldAt) return
    if (made === 0) begin()
    const text = made === 0 ? firstToken(cameUs, nowUs()) : laterToken(number, made)
    const ids = wantsIds ? `,"token_ids":[${2000 + made}]` : ''
    made++
    count.completionTokens++
    const finish = made === tokens ? '"length"' : 'null'
    write(`"choices":[{"index":0,"delta":{"content":"${text}"},"logprobs":null,"finish_reason":${finish},"stop_reason":null${ids}}]`)
    if (made < tokens) timer = setTimeout(token, betweenMs)
    else end()
  }
  function end(): void {
    const usage = `"usage":{"prompt_tokens":${prompt},"completion_tokens":${tokens},"total_tokens":${prompt + tokens}}`
    if (asked.stream_options?.include_usage) write(`"choices":[],${usage}`)
    response.end('data: [DONE]\n\n')
    count.finished++
  }

  response.once('close', () => clearTimeout(timer))
  if (firstMs === 0) token()
  else timer = setTimeout(token, firstMs)
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const cameUs = nowUs()
  if (request.method === 'GET') return get(request.url, response)
  let text = ''
  for await (const data of request.setEncoding('utf8')) text += data
  const asked = JSON.parse(text) as Asked
  const question = asked.messages?.at(-1)?.content ?? ''
  const told = readQuestion(question)
  if (told && asked.stream) return answer(asked, told, question, cameUs, response)
  return trial(asked.model, response)
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy())
})
// Longer than any gateway keeps a connection that nobody uses: none meets one that is closing.
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`Ready at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
