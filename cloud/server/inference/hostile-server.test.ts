// What a model server sends is not to be trusted: none of it may take our memory, or keep requests from other servers.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '@fusion/shared/contract/failures.ts'
import { afterEach, expect, test } from 'vitest'
import { createModels } from './models.ts'
import { createModelServer, ServerLost, ServerRefused } from './model-server.ts'
import { streamAnswer } from './answer.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** A server that answers each path as it likes. */
async function startServer(answers: Record<string, (response: ServerResponse) => void>) {
  let written = 0
  const server = createServer((request, response) => {
    request.resume()
    response.on('error', () => {})
    const answer = answers[request.url ?? '']
    if (answer) answer(response)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    written: () => written,
    /** Writes this without an end, as fast as it is taken. */
    endless:
      (piece: string, { status = 200, begin = '' } = {}) =>
      (response: ServerResponse) => {
        response.writeHead(status, { 'content-type': 'text/event-stream' })
        response.write(begin)
        const more = () => {
          while (!response.destroyed && response.write(piece)) written += piece.length
          written += piece.length
        }
        response.on('drain', more)
        more()
      },
  }
}
const MEGABYTE = 1_000_000
const always = new AbortController().signal

test.each([
  ['its models', (server: ReturnType<typeof createModelServer>) => server.models()],
  ['its figures', (server: ReturnType<typeof createModelServer>) => server.metrics()],
  ['a whole answer', (server: ReturnType<typeof createModelServer>) => server.whole('/whole', {}, always)],
  ['why it refuses', (server: ReturnType<typeof createModelServer>) => server.whole('/refuse', {}, always)],
  [
    'an event of many lines',
    async (server: ReturnType<typeof createModelServer>) => {
      const events = await server.stream('/lines', {}, always)
      while (await events.next());
    },
  ],
  [
    'a line',
    async (server: ReturnType<typeof createModelServer>) => {
      const events = await server.stream('/line', {}, always)
      while (await events.next());
    },
  ],
])('%s without an end is not read to it', async (_name, ask) => {
  const answers: Record<string, (response: ServerResponse) => void> = {}
  const hostile = await startServer(answers)
  const { endless } = hostile
  answers['/v1/models'] = endless(' '.repeat(MEGABYTE))
  answers['/metrics'] = endless('x'.repeat(MEGABYTE))
  answers['/whole'] = endless(' '.repeat(MEGABYTE))
  answers['/refuse'] = endless(' '.repeat(MEGABYTE), { status: 400 })
  answers['/lines'] = endless(`data: ${'x'.repeat(MEGABYTE)}\n`)
  answers['/line'] = endless('x'.repeat(MEGABYTE), { begin: 'data: ' })
  const server = createModelServer({ url: hostile.url })
  closing.push(() => server.close())
  const asked = ask(server).then(
    () => 'answered',
    (error: unknown) => error,
  )
  const told = await Promise.race([asked, sleep(4_000, 'still reading')])
  expect(told instanceof ServerLost || told instanceof ServerRefused || told instanceof RangeError ? 'lost' : told).toBe('lost')
  expect(hostile.written()).toBeLessThan(300 * MEGABYTE)
})

const json = (value: unknown) => (response: ServerResponse) => void response.end(typeof value === 'string' ? value : JSON.stringify(value))
const listed = json({ data: [{ id: 'one', max_model_len: 100 }] })
const trial = json({ choices: [{ text: '!' }] })

/** An answer of this server, as far as it comes. */
async function answerOf(url: string) {
  const models = createModels({ servers: [{ url }], queueSeconds: 1 })
  closing.push(() => models.close())
  await models.looked
  const asked = streamAnswer({
    models,
    path: '/v1/completions',
    wanted: { model: 'one', who: 'ada', rank: 1, blocks: [] },
    body: () => ({ max_tokens: 50 }),
    patience: { firstTokenMs: 20_000, nextTokenMs: 20_000 },
    watch: {},
    signal: always,
  })
  let chunks = 0
  try {
    for await (const _ of asked) chunks++
    return { chunks, ended: 'whole' }
  } catch (error) {
    return { chunks, ended: error instanceof Error ? error.message : '' }
  }
}
const chunk = (said: object, more: object = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, ...said, ...more }] })}\n\n`

test.each([
  [
    'chunks without a token, before the first',
    chunk({ text: '' }, { padding: 'x'.repeat(1000) }),
    'the model server says much, and makes no token',
  ],
  ['text whose tokens are not told', chunk({ text: 'x' }), failure('model-server-lost').message],
])('%s, without an end, are left', async (_name, piece, why) => {
  const answers: Record<string, (response: ServerResponse) => void> = { '/v1/models': listed }
  const hostile = await startServer(answers)
  // It is tried out first.
  let asked = 0
  answers['/v1/completions'] = response => (asked++ === 0 ? trial : hostile.endless(piece))(response)
  const { chunks, ended } = await answerOf(hostile.url)
  expect([why, 'No server of this model answers at the moment.']).toContain(ended)
  expect(chunks).toBeLessThan(300)
})

test('an answer nested without an end is a lost server, and no fault of ours', async () => {
  const deep = `{"choices":[],"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const hostile = await startServer({ '/whole': json(deep), '/stream': json(`data: ${deep}\n\ndata: [DONE]\n\n`) })
  const server = createModelServer({ url: hostile.url })
  closing.push(() => server.close())
  await expect(server.whole('/whole', {}, always)).rejects.toThrow(ServerLost)
  const events = await server.stream('/stream', {}, always)
  await expect(async () => events.next()).rejects.toThrow(ServerLost)
  events.leave()
})

test('a server with figures of no number keeps no other from being chosen', async () => {
  const figures = 'vllm:num_requests_running{engine="0"} 1e308\nvllm:num_requests_running{engine="1"} 1e308\n'
  const hostile = await startServer({ '/v1/models': listed, '/v1/completions': trial, '/metrics': json(figures) })
  const good = await startServer({ '/v1/models': listed, '/v1/completions': trial })
  const models = createModels({ servers: [{ url: hostile.url }, { url: good.url }] })
  closing.push(() => models.close())
  await models.looked
  const { at, leave } = await models.seat({ model: 'one', who: 'ada', rank: 1, blocks: [] }, { signal: always })
  expect([hostile.url, good.url]).toContain(`http://${at.server.label}`)
  leave()
})
