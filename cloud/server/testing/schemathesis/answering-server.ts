// A model server in vLLM's words that answers everything at once, with one word.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export const MODEL = 'answering'
const usage = { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 }
const made = { id: 'x', created: 1, model: MODEL, usage }

const replies: Record<string, object> = {
  '/v1/models': { object: 'list', data: [{ id: MODEL, object: 'model', max_model_len: 1000 }] },
  '/tokenize': { count: 7, max_model_len: 1000, tokens: [] },
  '/v1/chat/completions': {
    ...made,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Yes' }, finish_reason: 'stop' }],
  },
  '/v1/completions': { ...made, object: 'text_completion', choices: [{ index: 0, text: 'Yes', finish_reason: 'stop', logprobs: null }] },
  '/v1/embeddings': { ...made, object: 'list', data: [{ object: 'embedding', index: 0, embedding: [1] }] },
  '/v1/responses': { ...made, object: 'response', status: 'completed', output: [] },
}

export async function startAnsweringServer(): Promise<{ url: string; close(): Promise<void> }> {
  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const asked = request.method === 'POST' ? ((await json(request)) as { stream?: unknown }) : {}
    const whole = replies[request.url ?? '']
    if (!whole) return void reply.writeHead(404).end('{}')
    if (asked.stream !== true) return void reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole))
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    const chunk = (more: object) => `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: MODEL, ...more })}\n\n`
    const said = chunk({ choices: [{ index: 0, delta: { content: 'Yes' }, token_ids: [1], finish_reason: 'stop' }] })
    reply.end(`${said}${chunk({ choices: [], usage })}data: [DONE]\n\n`)
  }
  const server = createServer((request, reply) => void answer(request, reply)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
