import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { route } from '@fusion/shared/contract/cloud/route.ts'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from './ground.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { serve } from './serve-route.ts'

const note = route({
  method: 'POST',
  path: '/notes/{note}',
  access: { who: 'anybody' },
  summary: 'Takes a note.',
  params: Type.Object({ note: Type.String({ pattern: '^[a-z]+$' }) }),
  body: Type.Object({ text: Type.String() }, { additionalProperties: false }),
})
const stream = route({ method: 'GET', path: '/stream', access: { who: 'anybody' }, summary: 'A stream.', events: Type.String() })
const address = route({
  method: 'GET',
  path: '/address',
  access: { who: 'anybody' },
  summary: 'Who asks.',
  reply: Type.Array(Type.String()),
})

function addRoutes(app: App): void {
  serve(app, note, async () => {})
  serve(app, address, async ({ request }) => [request.ip, request.host])
  serve(app, stream, async ({ reply }) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: "first"\n\n')
  })
}

let server: TestApp
beforeAll(async () => {
  server = await startTestApp(addRoutes)
})
afterAll(() => server.close())

/** Writes these bytes to a connection of its own, and reads what comes back until it is closed. */
async function send(bytes: string | Buffer, to = server.port): Promise<string> {
  const socket = connect(to, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  return readText(socket).catch(() => '')
}

const statuses = (reply: string) => [...reply.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/notes/a`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

const hidden = 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'

test.each([
  [
    'both a length and chunks',
    `POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    'chunks, then a length',
    `POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  ['two lengths', `POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`],
  ['a list of lengths', `POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0, 5\r\n\r\n${hidden}`],
  ['a length with a sign', `POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\n${hidden}`],
  [
    'chunks that are not the last coding',
    `POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  ['a space before the colon', `POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length : 0\r\n\r\n${hidden}`],
  ['a bare line feed', `GET /healthz HTTP/1.1\nhost: x\n\n${hidden}`],
  ['a header over two lines', `GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\r\n content-length: 5\r\n\r\n${hidden}`],
  ['a chunk whose size is none', `POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n${hidden}`],
  ['no HTTP at all', '\u0016\u0003\u0001\u0002\u0000hello'],
])('a request with %s is refused, and nothing that hides behind it is answered', async (_what, bytes) => {
  const reply = await send(bytes)
  expect(reply).not.toContain('nodejs_eventloop_lag')
  expect(statuses(reply).at(-1)).toBe(400)
  expect(JSON.parse(reply.slice(reply.lastIndexOf('\r\n\r\n') + 4))).toEqual({
    error: { message: 'The request could not be read.', type: 'invalid_request_error', param: null, code: 'bad_request' },
  })
  expect(reply).toMatch(/x-request-id: [0-9a-f-]{36}\r\n/)
})

test('headers that are too large are refused with 431, in words', async () => {
  const reply = await send(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`)
  expect(statuses(reply)).toEqual([431])
  expect(reply).toContain('The headers of the request are too large.')
})

test('headers that never end are waited for a while, and refused with 408', async () => {
  const impatient = await startTestApp(addRoutes, { allowed: { headersMs: 100, requestMs: 200, checkMs: 20 } })
  const slowHeaders = await send('GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ', impatient.port)
  const slowBody = await send(
    'POST /notes/a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{',
    impatient.port,
  )
  await impatient.close()
  expect([statuses(slowHeaders), statuses(slowBody)]).toEqual([[408], [408]])
  expect(slowHeaders).toContain('The request took too long to come.')
})

test('bytes that are no HTTP end a stream that is under way, and nothing is written into it', async () => {
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n')
  let reply = ''
  for await (const bytes of socket.setEncoding('utf8')) {
    reply += bytes
    if (reply.includes('first')) socket.write('\0\0\0')
  }
  expect(statuses(reply)).toEqual([200])
})

test('a body that is compressed is refused unread, however small it is', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
  const reply = await post(bomb, { 'content-encoding': 'gzip' })
  expect([reply.status, await reply.json()]).toMatchObject([415, { error: { message: 'The request has to come uncompressed.' } }])
})

test('a body is refused by its size: 64 kB where anybody may call, and before it has come', async () => {
  expect((await post(JSON.stringify({ text: 'a'.repeat(70_000) }))).status).toBe(413)
  const announced =
    'POST /notes/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 999999999999\r\n\r\n'
  expect(statuses(await send(announced))).toEqual([413])
})

test.each([
  ['deep lists', '['.repeat(30_000)],
  ['deep objects', '{"a":'.repeat(10_000)],
  ['__proto__', '{"text":"word","__proto__":{"role":"admin"}}'],
  ['constructor.prototype', '{"text":"word","constructor":{"prototype":{"role":"admin"}}}'],
  ['escaped __proto__', '{"text":"word","\\u005f_proto__":{"role":"admin"}}'],
  ['a huge number where a string is due', `{"text":${'9'.repeat(10_000)}}`],
  ['a number beyond all', '{"text":1e400}'],
  ['nothing', ''],
  ['no JSON', '{"text":'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['a list', '[]'],
  ['null', 'null'],
])('a body of %s is refused in words of ours', async (_what, body) => {
  const reply = await post(body)
  expect(reply.status).toBe(400)
  const { error } = (await reply.json()) as { error: { message: string } }
  expect(error.message).toMatch(/^The request/)
  expect(JSON.stringify(error)).not.toMatch(/FST_|node_modules|Unexpected|admin|\.ts:/)
})

test.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/json; charset=utf-8; boundary=\u00ff', ''])(
  'a body of type "%s" is read as JSON or not at all',
  async type => {
    const reply = await post('<xml/>', { 'content-type': type })
    expect([400, 415]).toContain(reply.status)
    expect(((await reply.json()) as { error: { type: string } }).error.type).toBe('invalid_request_error')
  },
)

test('an address with a part that is too long, of the wrong form, or that can not be decoded, is refused', async () => {
  const ask = async (part: string) => (await fetch(`${server.url}/notes/${part}`, { method: 'POST' })).status
  expect(await Promise.all(['a'.repeat(600), '%ff', '..%2f..%2fmetrics', 'A'].map(ask))).toEqual([414, 400, 400, 400])
})

test('an address says which methods it takes: 405 with Allow for any other, also for methods that nobody knows here', async () => {
  for (const method of ['POST', 'DELETE', 'PROPFIND', 'PURGE']) {
    const reply = await fetch(`${server.url}/healthz`, { method })
    expect([method, reply.status, reply.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD, OPTIONS'])
  }
  const options = await fetch(`${server.url}/notes/a`, { method: 'OPTIONS' })
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
  expect((await fetch(`${server.url}/healthz`, { method: 'HEAD' })).status).toBe(200)
  const trace = await send('TRACE /healthz HTTP/1.1\r\nhost: x\r\ncookie: secret\r\nconnection: close\r\n\r\n')
  expect(statuses(trace)).toEqual([405])
  expect(trace).not.toContain('secret')
})

test('what is said about where a request comes from is believed of the proxies that the operator names, and of nobody else', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-host': 'evil.example' }
  const behindProxy = await startTestApp(addRoutes, { env: { FUSION_CLOUD_PROXIES: '127.0.0.0/8' } })
  const ask = async (url: string) => (await fetch(`${url}/address`, { headers })).json()
  expect(await ask(server.url)).toEqual(['127.0.0.1', `127.0.0.1:${server.port}`])
  expect(await ask(behindProxy.url)).toEqual(['203.0.113.7', 'evil.example'])
  await behindProxy.close()
})
