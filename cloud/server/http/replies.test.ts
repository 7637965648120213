import { afterEach, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../testing/test-app.ts'

let server: TestApp
afterEach(() => server.close())

const HERE = 'https://chat.example.org'
const corsOf = ({ headers }: Response) => Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control')))
const ask = (origin: string, method = 'GET', headers: Record<string, string> = {}) =>
  fetch(`${server.url}/healthz`, { method, headers: { origin, ...headers } })

test('without a list no page of another origin may read anything', async () => {
  server = await startTestApp(() => {})
  expect(corsOf(await ask(HERE))).toEqual({})
  expect(corsOf(await ask(HERE, 'OPTIONS', { 'access-control-request-method': 'GET' }))).toEqual({})
})

test('a page of a listed origin may ask and read, without cookies; any other, however much like it, may not', async () => {
  server = await startTestApp(() => {}, { env: { FUSION_CLOUD_ORIGINS: `${HERE},http://localhost:5173` } })
  const reply = await ask(HERE)
  expect(corsOf(reply)).toEqual({
    'access-control-allow-origin': HERE,
    'access-control-expose-headers':
      'etag, ratelimit, ratelimit-policy, retry-after, traceparent, x-fusion-budget-warning, x-fusion-cache, x-fusion-model, x-fusion-model-reason, x-request-id',
  })
  expect(reply.headers.get('vary')).toBe('Origin')
  const preflight = await ask(HERE, 'OPTIONS', {
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  })
  expect([preflight.status, corsOf(preflight)]).toMatchObject([
    204,
    { 'access-control-allow-origin': HERE, 'access-control-allow-methods': 'GET, HEAD', 'access-control-max-age': '7200' },
  ])
  for (const other of ['null', 'https://chat.example.org.evil.example', 'http://chat.example.org', 'https://evil.example', `${HERE}:8443`])
    expect(corsOf(await ask(other))).toEqual({})
})

test('what comes back may run, frame and load nothing, and is kept by nobody', async () => {
  server = await startTestApp(() => {})
  const { headers } = await ask(HERE)
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  })
})

test('a request has the id that it came with, where that is one, and a new one where it is not', async () => {
  server = await startTestApp(() => {})
  const idOf = async (id: string) => (await fetch(`${server.url}/healthz`, { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  expect(await idOf('of-a_proxy.1')).toBe('of-a_proxy.1')
  for (const unfit of ['a b', '"><script>', '${jndi}', 'a'.repeat(129), '']) expect(await idOf(unfit)).toMatch(/^[0-9a-f-]{36}$/)
})
