import { connect } from 'node:net'
import { route } from '@fusion/shared/contract/cloud/route.ts'
import { Type } from 'typebox'
import { afterEach, expect, test } from 'vitest'
import { serve } from '../http/serve-route.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'

const SECRET = 'what-a-person-wrote'
const open = { access: { who: 'anybody' }, summary: 'For a test.' } as const
const Body = Type.Object({ text: Type.String() })
const note = route({ ...open, method: 'POST', path: '/notes/{note}', params: Type.Object({ note: Type.String() }), body: Body })
const broken = route({ ...open, method: 'POST', path: '/broken', body: Body })
const stream = route({ ...open, method: 'GET', path: '/stream', events: Type.String() })

let server: TestApp
afterEach(() => server.close())

/** A server whose lines are read here; `next` waits for the one with this message. */
async function start() {
  const lines: Record<string, unknown>[] = []
  let wake = () => {}
  const logTo = {
    write(line: string) {
      lines.push(JSON.parse(line) as Record<string, unknown>)
      wake()
    },
  }
  server = await startTestApp(
    app => {
      serve(app, note, async () => {})
      serve(app, broken, async ({ body }) => {
        throw Object.assign(new RangeError(`no:\n    at ${body.text}`), { detail: body.text })
      })
      serve(app, stream, async ({ reply }) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: "first"\n\n')
      })
    },
    { env: { FUSION_LOG: 'debug' }, logTo },
  )
  return {
    lines,
    async next(message: string) {
      for (;;) {
        const found = lines.find(({ msg }) => msg === message)
        if (found) return found
        await new Promise<void>(resolve => (wake = resolve))
      }
    },
  }
}

const post = (path: string) =>
  fetch(`${server.url}${path}?text=${SECRET}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, cookie: SECRET, 'x-request-id': 'one-request' },
    body: JSON.stringify({ text: SECRET }),
  })

test('a request is one line: its ids, the template of its route, how it went and how long it took', async () => {
  const { lines, next } = await start()
  const reply = await post(`/notes/${SECRET}`)
  expect(await next('request')).toEqual({
    level: 30,
    time: expect.any(Number),
    reqId: 'one-request',
    trace: reply.headers.get('traceparent')!.split('-')[1],
    method: 'POST',
    route: '/notes/{note}',
    status: 204,
    ms: expect.any(Number),
    user: null,
    msg: 'request',
  })
  expect(lines.filter(({ reqId }) => reqId === 'one-request')).toHaveLength(1)
})

test('a fault is a line with its name and place, and no line ever holds what was sent', async () => {
  const { lines, next } = await start()
  await post('/broken')
  await post(`/nowhere/${SECRET}`)
  const socket = connect(server.port, '127.0.0.1').resume()
  socket.end(`GET /${SECRET} HTTP/1.1\r\n${SECRET}\r\n\r\n`)
  const { err } = await next('request failed')
  expect(err).toMatchObject({ name: 'RangeError', frames: expect.arrayContaining([expect.stringContaining('logs.test.ts')]) })
  await next('request unreadable')
  await next('request')
  expect(JSON.stringify(lines)).not.toContain(SECRET)
})

test('a reply whose reader is gone is a line that says so', async () => {
  const { next } = await start()
  const reader = new AbortController()
  await fetch(`${server.url}/stream`, { signal: reader.signal })
  reader.abort()
  expect(await next('request')).toMatchObject({ route: '/stream', status: 200, cut: true })
})
