// A server that speaks OpenAI's API and nothing of vLLM's own, as TensorRT-LLM does by its source: it refuses parameters that it does not know, lists
// no window, counts no prompt, and tells its figures in another form.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chatClient, question } from '../testing/chat-client.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const MODEL = 'llama-8b-trt'
const known: Record<string, string[]> = {
  '/v1/chat/completions': ['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'temperature', 'cache_salt'],
  '/v1/completions': ['model', 'prompt', 'stream', 'stream_options', 'max_tokens', 'temperature'],
}

let server: Server
let cloud: TestCloud
let token: string
let breaks = false
beforeEach(async () => {
  breaks = false
  server = createServer((request, reply) => void answer(request, reply))
  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const json = (status: number, body: object) =>
      void reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const path = request.url!
    if (path === '/v1/models')
      return json(200, { object: 'list', data: [{ id: MODEL, object: 'model', created: 1, owned_by: 'tensorrt_llm' }] })
    if (path === '/metrics') return json(200, [])
    if (!known[path]) return json(404, { detail: 'Not Found' })
    let text = ''
    for await (const data of request.setEncoding('utf8')) text += data
    const body = JSON.parse(text) as Record<string, unknown>
    const unknown = Object.keys(body).filter(name => !known[path]!.includes(name))
    if (unknown.length > 0) return json(400, { object: 'error', message: `Extra inputs are not permitted: ${unknown.join()}`, code: 400 })
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
    const said = { index: 0, message: { role: 'assistant', content: 'Hello there' }, text: 'Hello there', finish_reason: 'stop' }
    if (body['stream'] !== true) return json(200, { id: 'x', model: MODEL, choices: [said], usage })
    const event = (choices: object[], more = {}) => reply.write(`data: ${JSON.stringify({ id: 'x', model: MODEL, choices, ...more })}\n\n`)
    event([{ index: 0, delta: { content: 'Hello' }, finish_reason: null }])
    if (breaks) return void setTimeout(() => reply.destroy(), 50)
    event([{ index: 0, delta: { content: ' there' }, finish_reason: 'stop' }])
    event([], { usage })
    reply.end('data: [DONE]\n\n')
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url, window: 4096, tokenIds: false, slots: 8 }]) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
})
afterEach(async () => {
  await cloud.close()
  server.closeAllConnections()
  server.close()
})

const post = (path: string, body: object) =>
  fetch(`${cloud.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, ...body }),
  })
const messages = [{ role: 'user', content: 'Hi' }]

test('is listed with the window that the operator named', () => {
  expect(cloud.parts.models.list()).toMatchObject([{ id: MODEL, max_model_len: 4096, fusion: { state: 'ready' } }])
})

test('answers chat completions, whole and as a stream', async () => {
  expect(await (await post('/v1/chat/completions', { messages })).json()).toMatchObject({
    choices: [{ message: { content: 'Hello there' } }],
  })
  const text = await (await post('/v1/chat/completions', { messages, stream: true })).text()
  expect(text).toContain('"content":"Hello"')
  expect(text).toMatch(/data: \[DONE\]\n\n$/)
})

test('refuses completions, since it does not keep the prompts of people apart there', async () => {
  expect((await post('/v1/completions', { prompt: 'Hi' })).status).toBe(400)
})

test('an answer of it that breaks off is gone on with by nobody, and says so', async () => {
  breaks = true
  const text = await (await post('/v1/chat/completions', { messages, stream: true })).text()
  expect(text).toContain('"content":"Hello"')
  expect(text).toContain('model_server_lost')
})

test("the app's chat is refused, since nobody counts its prompt", async () => {
  const events = await (await chatClient(cloud.url, token).ask(question(MODEL))).rest()
  expect(events.at(-1)!.event).toMatchObject({ type: 'generation-fail' })
})
