import { once } from 'node:events'
import { connect } from 'node:net'
import { route } from '@fusion/shared/contract/cloud/route.ts'
import { Type } from 'typebox'
import { afterEach, expect, test } from 'vitest'
import type { App } from '../http/ground.ts'
import { serve } from '../http/serve-route.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { drain } from './drain.ts'

const stream = route({ method: 'GET', path: '/stream', access: { who: 'anybody' }, summary: 'A stream.', events: Type.String() })

let server: TestApp
let app: App
afterEach(() => server.close())

/** A server with one open stream: `end` ends it, and `events` is what its reader has when it is over. */
async function withOpenStream() {
  const opened = Promise.withResolvers<(text: string) => void>()
  server = await startTestApp(bare => {
    serve(bare, stream, async ({ reply }) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: "first"\n\n')
      opened.resolve(text => reply.raw.end(text))
    })
  })
  app = server.app
  const reply = await fetch(`${server.url}/stream`)
  return { url: server.url, end: await opened.promise, events: reply.text() }
}

test('a server that drains says so first, tells its streams to go elsewhere, and ends when they have', async () => {
  const { url, end, events } = await withOpenStream()
  const drained = drain(app, { noticeMs: 500, patienceMs: 60_000, tellStreams: async () => end('data: "elsewhere"\n\n') })
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining', parts: {} }])
  await drained
  expect(await events).toBe('data: "first"\n\ndata: "elsewhere"\n\n')
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('a stream that does not end has the patience it is given, and no more', async () => {
  const { events } = await withOpenStream()
  const cut = expect(events).rejects.toThrow('terminated')
  await drain(app, { noticeMs: 0, patienceMs: 50, tellStreams: async () => {} })
  await cut
})

test('who is in a hurry waits for nobody', async () => {
  const { events } = await withOpenStream()
  const cut = expect(events).rejects.toThrow('terminated')
  const hurry = new AbortController()
  const drained = drain(app, { noticeMs: 0, patienceMs: 60_000, tellStreams: () => new Promise(() => {}), hurry: hurry.signal })
  hurry.abort()
  await drained
  await cut
})

test('a connection on which nothing was asked holds nobody up', async () => {
  server = await startTestApp(() => {})
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  // It is the server's by now: this was asked after it.
  await (await fetch(`${server.url}/healthz`)).text()
  const closed = once(silent, 'close')
  await drain(server.app, { noticeMs: 0, patienceMs: 60_000, tellStreams: async () => {} })
  await closed
})
