import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { Answer } from './answer.ts'

interface Chunk {
  choices: { delta: { content?: string | null } }[]
  usage?: { prompt_tokens: number; completion_tokens: number } | null
}

/** One streamed answer of `POST /v1/chat/completions` on this machine. Both sides of a bench are asked by it. */
export async function askOpenAi(port: number, body: object, key?: string): Promise<Answer> {
  const arrivals: number[] = []
  let usage = { prompt_tokens: 0, completion_tokens: 0 }
  const startedAt = performance.now()
  // node:http rather than fetch: less between the socket and the clock. No agent: llama-server closes the connection after each stream.
  const call = request({
    host: '127.0.0.1',
    port,
    path: '/v1/chat/completions',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
  })
  call.end(JSON.stringify({ stream: true, stream_options: { include_usage: true }, ...body }))
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`The server answered ${response.statusCode}`)
  for await (const line of createInterface({ input: response })) {
    if (!line.startsWith('data: {')) continue
    const { choices, usage: told } = JSON.parse(line.slice(6)) as Chunk
    if (choices[0]?.delta.content) arrivals.push(performance.now())
    if (told) usage = told
  }
  return { startedAt, arrivals, promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens, endedAt: performance.now() }
}
