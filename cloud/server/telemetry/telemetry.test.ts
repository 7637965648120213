import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { route } from '@fusion/shared/contract/cloud/route.ts'
import type { Environment } from '@fusion/shared/configuration/read-settings.ts'
import { Type } from 'typebox'
import { afterEach, expect, test } from 'vitest'
import type { App } from '../http/ground.ts'
import { serve } from '../http/serve-route.ts'
import { startTestApp } from '../testing/test-app.ts'
import { inSpan, traceHeaders } from './trace.ts'

const SECRET = 'what a person wrote'
const note = route({
  method: 'POST',
  path: '/notes/{note}',
  access: { who: 'anybody' },
  summary: 'Takes a note.',
  params: Type.Object({ note: Type.String() }),
  body: Type.Object({ text: Type.String() }),
  reply: Type.Object({ told: Type.Record(Type.String(), Type.String()) }),
})
const broken = route({
  method: 'POST',
  path: '/broken',
  access: { who: 'anybody' },
  summary: 'Breaks.',
  body: Type.Object({ text: Type.String() }),
})

function addRoutes(app: App): void {
  serve(app, note, async () => ({ told: await inSpan('asking', { kind: 'client', attributes: { count: 1 } }, async () => traceHeaders()) }))
  serve(app, broken, async ({ body }) => {
    throw new TypeError(`can not do this: ${body.text}`)
  })
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

interface Received {
  path: string
  body: string
}

/** A server that takes whatever is sent to it; `next` is what came first that was not read yet. */
async function startReceiver() {
  const received: Received[] = []
  let wake = () => {}
  async function take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    received.push({ path: request.url ?? '', body: await text(request) })
    reply.end('{}')
    wake()
  }
  const server = createServer((request, reply) => void take(request, reply)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  closing.push(() => server.close())
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async next(): Promise<Received> {
      while (received.length === 0) await new Promise<void>(resolve => (wake = resolve))
      return received.shift()!
    },
  }
}

async function start(env: Environment) {
  const server = await startTestApp(addRoutes, { env })
  closing.push(server.close)
  const post = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}?token=${encodeURIComponent(SECRET)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, ...headers },
      body: JSON.stringify({ text: SECRET }),
    })
  return { ...server, post }
}

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  attributes: { key: string; value: object }[]
  status?: { code?: number }
}
const spansIn = ({ body }: Received) =>
  (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  )

test('a request is a step of the trace that it came with, and who is asked for its sake is told so', async () => {
  const receiver = await startReceiver()
  const { post, app } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.host}` })
  const reply = await post('/notes/a', {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'x-request-id': 'of-a-proxy.1',
  })
  const { told } = (await reply.json()) as { told: { traceparent: string } }
  expect(reply.headers.get('x-request-id')).toBe('of-a-proxy.1')
  await app.close()
  const sent = await receiver.next()
  expect(sent.path).toBe('/v1/traces')
  const spans = spansIn(sent)
  const request = spans.find(({ name }) => name === 'POST /notes/{note}')!
  const asking = spans.find(({ name }) => name === 'asking')!
  expect(request).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' })
  expect(asking).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId })
  expect(told.traceparent).toBe(`00-${asking.traceId}-${asking.spanId}-01`)
  expect(reply.headers.get('traceparent')).toBe(`00-${request.traceId}-${request.spanId}-01`)
  expect(sent.body).toContain('of-a-proxy.1')
  expect(sent.body).not.toContain(SECRET)
})

test('a trace that its beginning does not record is not recorded here, and goes on', async () => {
  const receiver = await startReceiver()
  const { post, app } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.host}` })
  const reply = await post('/notes/a', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00' })
  const { told } = (await reply.json()) as { told: { traceparent: string } }
  await app.close()
  expect(told.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-00$/)
  expect(receiver.received).toEqual([])
})

test('a receiver of traces that is not there holds up neither requests nor the end', async () => {
  const { post, app } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
  expect((await post('/notes/a')).status).toBe(200)
  await app.close()
})

test('a fault is told as internal, and reported with its place and ids, and without a word of what was sent', async () => {
  const receiver = await startReceiver()
  const { post } = await start({ SENTRY_DSN: `http://key@${receiver.host}/1`, FUSION_LOG: 'error' })
  const reply = await post('/broken', { 'x-request-id': 'broken-1' })
  expect([reply.status, await reply.json()]).toMatchObject([500, { error: { code: 'internal_error' } }])
  const { body } = await receiver.next()
  const event = JSON.parse(body.split('\n')[2]!) as { exception: { values: object[] }; tags: object }
  expect(event.exception.values).toMatchObject([{ type: 'TypeError', stacktrace: { frames: expect.arrayContaining([expect.anything()]) } }])
  expect(event.tags).toMatchObject({ request: 'broken-1', route: '/broken' })
  expect(body).not.toContain(SECRET)
  expect(body).not.toContain(encodeURIComponent(SECRET))
})
