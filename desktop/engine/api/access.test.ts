import { expect, test } from 'vitest'
import { ENVIRONMENT_KEY, GUIDE, question, testApi } from '../testing/test-api.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

test('without a good key nobody is let in, and is told how to get one', async () => {
  const { ask, storage } = await testApi()
  const { secret } = storage.apiKeys.make({ name: 'Editor', cloud: false })
  for (const authorization of ['', 'Bearer', `Basic ${secret}`, secret]) {
    const told = await ask('/v1/models', { headers: { authorization } })
    expect(told).toMatchObject({ status: 401, body: { error: { code: 'missing_api_key', message: /Bearer KEY/ } } })
  }
  for (const key of ['wrong', `${secret}x`, secret.slice(0, -1), `${ENVIRONMENT_KEY}x`]) {
    const told = await ask('/v1/chat/completions', { headers: bearer(key), body: question() })
    expect(told).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', type: 'invalid_request_error', param: null } } })
  }
})

test('a key that was made lets in until it is revoked, the one of the environment always, and both also as x-api-key', async () => {
  const { ask, storage } = await testApi()
  const { key, secret } = storage.apiKeys.make({ name: 'Editor', cloud: false })
  const status = async (headers: Record<string, string>) => (await ask('/v1/models', { headers })).status
  expect(await status(bearer(secret))).toBe(200)
  expect(await status({ authorization: '', 'x-api-key': secret })).toBe(200)
  expect(await status(bearer(ENVIRONMENT_KEY))).toBe(200)
  storage.apiKeys.revoke(key.id)
  expect(await status(bearer(secret))).toBe(401)
  expect(await status({ authorization: '', 'x-api-key': secret })).toBe(401)
  expect(await status(bearer(ENVIRONMENT_KEY))).toBe(200)
})

test('whether it stands is told to everybody, and what it does only by key', async () => {
  const { ask } = await testApi()
  const nobody = { headers: { authorization: '' } }
  expect(await ask('/health', nobody)).toMatchObject({ status: 200, body: { status: 'ok' } })
  expect(await ask('/metrics', nobody)).toMatchObject({ status: 401 })
  await ask('/v1/models')
  expect((await ask('/metrics')).body).toContain(`vllm:num_requests_running{model_name="${GUIDE}"} 0`)
})

test('a name that was not allowed is refused, whatever the key: a web page could have pointed it here', async () => {
  const { ask, settings, logged } = await testApi()
  const status = async (host: string) => (await ask('/v1/models', { headers: { host } })).status
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80']) expect(await status(host)).toBe(421)
  for (const host of ['127.0.0.1', 'LOCALHOST:4310', '[::1]:4310']) expect(await status(host)).toBe(200)
  settings.apiHosts = ['host.docker.internal']
  expect(await status('host.docker.internal:9000')).toBe(200)
  expect(await status('evil.example')).toBe(421)
  expect(logged.join('')).not.toContain(ENVIRONMENT_KEY)
})

test('a web page is let in only from an origin that was allowed, and then may read also what went wrong', async () => {
  const { ask, settings } = await testApi({ settings: { apiOrigins: ['http://localhost:3000'] } })
  const from = (origin: string, more: object = {}) => ask('/v1/models', { headers: { origin, ...more } })
  for (const origin of ['http://localhost:3001', 'https://localhost:3000', 'http://evil.example', 'null']) {
    const told = await from(origin)
    expect(told).toMatchObject({ status: 403, body: { error: { code: 'unknown_origin' } } })
    expect(told.headers['access-control-allow-origin']).toBeUndefined()
  }
  const allowed = { 'access-control-allow-origin': 'http://localhost:3000', vary: expect.stringContaining('origin') }
  expect(await from('http://localhost:3000')).toMatchObject({ status: 200, headers: allowed })
  expect(await from('http://localhost:3000', bearer('wrong'))).toMatchObject({ status: 401, headers: allowed })
  settings.apiOrigins = []
  expect((await from('http://localhost:3000')).status).toBe(403)
})

test('a browser may ask first, without a key, and is told what its page may send', async () => {
  const { ask } = await testApi({ settings: { apiOrigins: ['http://localhost:3000'] } })
  const preflight = (origin: string) => ask('/v1/chat/completions', { method: 'OPTIONS', headers: { origin, authorization: '' } })
  expect(await preflight('http://localhost:3000')).toMatchObject({
    status: 204,
    headers: {
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('authorization'),
    },
  })
  // What the package openai asks for in a browser.
  const wished = 'authorization, content-type, x-stainless-arch, x-stainless-retry-count'
  const headers = { origin: 'http://localhost:3000', authorization: '', 'access-control-request-headers': wished }
  expect((await ask('/v1/chat/completions', { method: 'OPTIONS', headers })).headers['access-control-allow-headers']).toBe(wished)
  const refused = await preflight('http://evil.example')
  expect(refused.status).toBe(403)
  expect(refused.headers['access-control-allow-origin']).toBeUndefined()
})
