import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { failure } from '@fusion/shared/contract/failures.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openEventStream } from './event-stream.ts'

/** A real answer under way: the server's end of it, and the client's, whose headers are told when they are there. */
async function answer(): Promise<{ response: ServerResponse; signal: AbortSignal; headers: Promise<IncomingMessage> }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  request.on('error', () => {})
  onTestFinished(() => void request.destroy())
  const headers = once(request, 'response').then(([message]) => message as IncomingMessage)
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return { response, signal: gone.signal, headers }
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of message.setEncoding('utf8')) text += chunk
  return text
}

test('events go out one by one, with a name where they have one, and the end is said', async () => {
  const { response, signal, headers } = await answer()
  const events = openEventStream(response, signal, { 'access-control-allow-origin': 'http://localhost:3000' })
  await events.send({ one: 'a\nb' })
  const message = await headers
  expect(message.statusCode).toBe(200)
  expect(message.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'access-control-allow-origin': 'http://localhost:3000',
  })
  await events.send({ two: 2 }, 'second')
  events.end('[DONE]')
  expect(await textOf(message)).toBe('data: {"one":"a\\nb"}\n\nevent: second\ndata: {"two":2}\n\ndata: [DONE]\n\n')
})

test('what fails before the first event has a status of its own', async () => {
  const { response, signal, headers } = await answer()
  openEventStream(response, signal, {}).fail(failure('overloaded'))
  const message = await headers
  expect(message.statusCode).toBe(429)
  expect(message.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '1' })
  expect(JSON.parse(await textOf(message))).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } })
})

test('what fails later is an event, and nothing says that all went well', async () => {
  const { response, signal, headers } = await answer()
  const events = openEventStream(response, signal, {})
  await events.send({ one: 1 })
  events.fail(failure('model-crashed'))
  const text = await textOf(await headers)
  expect(text).toMatch(/^data: \{"one":1\}\n\ndata: \{"error":\{.*"code":"model_crashed"\}\}\n\n$/)
})

test('whenever nothing comes for long, comments keep the connection', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { response, signal, headers } = await answer()
  const events = openEventStream(response, signal, {})
  vi.advanceTimersByTime(4_999)
  expect(response.headersSent).toBe(false)
  vi.advanceTimersByTime(1)
  expect(response.headersSent).toBe(true)
  vi.advanceTimersByTime(15_000)
  await events.send({ one: 1 })
  vi.advanceTimersByTime(14_999)
  await events.send({ two: 2 })
  // As while a long prompt is computed.
  vi.advanceTimersByTime(29_999)
  events.fail(failure('out-of-memory'))
  vi.advanceTimersByTime(60_000)
  const text = await textOf(await headers)
  expect(text).toMatch(
    /^: waiting\n\n: waiting\n\ndata: \{"one":1\}\n\ndata: \{"two":2\}\n\n: waiting\n\ndata: \{"error":.*out_of_memory.*\}\n\n$/,
  )
})

/** An answer that the client does not read, so that sending stands still; `waits` says how that ended. */
async function unread(): Promise<{ response: ServerResponse; message: IncomingMessage; sent: number; waits: Promise<string> }> {
  const { response, signal, headers } = await answer()
  const events = openEventStream(response, signal, {})
  const piece = { text: 'x'.repeat(64 * 1024) }
  // The system takes some megabytes for one that does not read; then the sending stands still.
  let sent = 0
  let sending = events.send(piece)
  const message = await headers
  while (!response.writableNeedDrain) {
    await sending
    sent += piece.text.length
    sending = events.send(piece)
  }
  const waits = sending.then(
    () => 'sent',
    () => 'gone',
  )
  expect(response.writableLength).toBeLessThan(4 * piece.text.length)
  return { response, message, sent, waits }
}

test('who does not read is waited for, and who goes away meanwhile ends the wait', async () => {
  const { message, sent, waits } = await unread()
  message.destroy()
  expect(await waits).toBe('gone')
  expect(sent).toBeGreaterThan(0)
})

test('who does not read for a minute is gone: others wait for the place', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { response, waits } = await unread()
  vi.advanceTimersByTime(59_999)
  expect(response.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(await waits).toBe('gone')
})
