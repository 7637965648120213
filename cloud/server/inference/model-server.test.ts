import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createModelServer, type ModelServer } from './model-server.ts'

/** An answer to its `[DONE]`. */
async function read(server: ModelServer): Promise<void> {
  const events = await server.stream('/v1/completions', {}, new AbortController().signal)
  while (await events.next());
  events.leave()
}

test('a connection on which an answer was said to its end serves the next one, where its reply ends a moment later', async () => {
  let connections = 0
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\ndata: [DONE]\n\n')
    setTimeout(() => response.end(), 5)
  }).on('connection', () => connections++)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = createModelServer({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
  try {
    for (let answer = 0; answer < 3; answer++) {
      await read(server)
      await sleep(50)
    }
    expect(connections).toBe(1)
  } finally {
    await server.close()
    http.close()
  }
})

test('a reply that does not end behind its last event is ended a second later', async () => {
  const closed = Promise.withResolvers<void>()
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: [DONE]\n\n')
    response.once('close', closed.resolve)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = createModelServer({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
  try {
    await read(server)
    await closed.promise
  } finally {
    await server.close()
    http.close()
  }
})
