import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createBodyReader } from './read-body.ts'
import { sendError, sendJson } from './respond.ts'

test('bodies of requests under way are held up to a limit, and the next one is told to come again', async () => {
  const read = createBodyReader(1000)
  const under: ServerResponse[] = []
  const server = createServer((request, response) => void take(request, response))
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await read(request, response)
      under.push(response)
      server.emit('read')
    } catch (error) {
      sendError(response, error, { connection: 'close' })
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const ask = (bytes: number) => {
    const body = JSON.stringify('x'.repeat(bytes - 2))
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
  }
  const first = ask(800)
  await once(server, 'read')
  expect((await ask(300)).status).toBe(429)
  const second = ask(200)
  await once(server, 'read')
  for (const response of under.splice(0)) {
    const closed = once(response, 'close')
    sendJson(response, 200, {})
    await closed
  }
  expect([(await first).status, (await second).status]).toEqual([200, 200])
  const third = ask(1000)
  await once(server, 'read')
  sendJson(under[0]!, 200, {})
  expect((await third).status).toBe(200)
})
