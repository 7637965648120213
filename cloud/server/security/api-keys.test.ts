import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const HOUR_MS = 3_600_000
let cloud: TestCloud
let now = Date.now()
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
})
afterAll(() => cloud.close())

async function ask(token: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${cloud.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : null }
}

async function makeKey(token: string, key: Record<string, unknown> = {}) {
  const { body } = await ask(token, 'POST', '/v1/account/api-keys', { name: 'A script', scopes: ['inference'], expiresAt: null, ...key })
  return body as { key: { id: string }; secret: string }
}

const callerOf = (secret: string) => cloud.parts.apiKeys.authenticate(secret)

test('a key names its owner, with its scopes, and no session', async () => {
  const token = await cloud.signIn('owner@example.org')
  const { key, secret } = await makeKey(token, { scopes: ['history'] })
  expect(secret).toMatch(/^fusion_[0-9a-f]{32}_[\w-]{43}$/)
  expect(await callerOf(secret)).toMatchObject({ sessionId: null, apiKeyId: key.id, scopes: ['history'], role: 'member' })
})

test('a key is shown once: what is kept and what is listed does not give it back', async () => {
  const token = await cloud.signIn('once@example.org')
  const { key, secret } = await makeKey(token, { name: 'Nightly' })
  const { body } = await ask(token, 'GET', '/v1/account/api-keys')
  expect(body.keys).toEqual([
    {
      ...key,
      name: 'Nightly',
      begins: secret.slice(0, 39),
      scopes: ['inference'],
      createdAt: now,
      expiresAt: null,
      lastUsedAt: null,
      replaces: null,
    },
  ])
  const [row] = await cloud.database.query('select row_to_json(api_keys)::text as text from api_keys where id = $1', [key.id])
  expect(row!.text).not.toContain(secret.slice(40))
})

test('a key with another secret, a shortened one and one that was never made are refused', async () => {
  const { secret } = await makeKey(await cloud.signIn('forge@example.org'))
  const another = (await makeKey(await cloud.signIn('forge@example.org'))).secret
  expect(await callerOf(secret.slice(0, 40) + another.slice(40))).toBeNull()
  expect(await callerOf(secret.slice(0, -1))).toBeNull()
  expect(await callerOf(`fusion_${'0'.repeat(32)}_${'A'.repeat(43)}`)).toBeNull()
  expect((await ask(another.slice(0, -1), 'GET', '/v1/account')).status).toBe(401)
})

test('a key opens no route that is for people in a session', async () => {
  const { secret } = await makeKey(await cloud.signIn())
  for (const path of ['/v1/account', '/v1/account/api-keys', '/v1/admin/audit']) expect((await ask(secret, 'GET', path)).status).toBe(403)
})

test('a key ends when its time is over, also where it was used just before', async () => {
  const { secret } = await makeKey(await cloud.signIn('short@example.org'), { expiresAt: now + 1000 })
  expect(await callerOf(secret)).not.toBeNull()
  now += 1000
  expect(await callerOf(secret)).toBeNull()
})

test('a key whose time is over already is not made', async () => {
  const made = await ask(await cloud.signIn('past@example.org'), 'POST', '/v1/account/api-keys', {
    name: 'Late',
    scopes: ['inference'],
    expiresAt: now - 1,
  })
  expect([made.status, made.body.error.code]).toEqual([400, 'time_past'])
})

test('after a rotation both keys are good, until the chosen time is over', async () => {
  const token = await cloud.signIn('rotate@example.org')
  const old = await makeKey(token, { scopes: ['inference', 'history'] })
  await callerOf(old.secret)
  const { body: next } = await ask(token, 'POST', `/v1/account/api-keys/${old.key.id}/rotate`, { keepMs: HOUR_MS })
  expect(next.key).toMatchObject({ name: 'A script', scopes: ['inference', 'history'], replaces: old.key.id })
  expect(await callerOf(old.secret)).not.toBeNull()
  now += HOUR_MS
  expect(await callerOf(old.secret)).toBeNull()
  expect(await callerOf(next.secret)).toMatchObject({ apiKeyId: next.key.id, scopes: ['inference', 'history'] })
})

test('a rotation that keeps nothing ends the old key at once, and never lengthens its time', async () => {
  const token = await cloud.signIn('rotate-now@example.org')
  const old = await makeKey(token)
  await callerOf(old.secret)
  await ask(token, 'POST', `/v1/account/api-keys/${old.key.id}/rotate`, { keepMs: 0 })
  expect(await callerOf(old.secret)).toBeNull()

  const ending = await makeKey(token, { expiresAt: now + 1000 })
  await ask(token, 'POST', `/v1/account/api-keys/${ending.key.id}/rotate`, { keepMs: HOUR_MS })
  now += 1000
  expect(await callerOf(ending.secret)).toBeNull()
})

test('a revoked key is refused at once by the server that revoked it', async () => {
  const token = await cloud.signIn('revoke@example.org')
  const { key, secret } = await makeKey(token)
  await callerOf(secret)
  expect((await ask(token, 'DELETE', `/v1/account/api-keys/${key.id}`)).status).toBe(204)
  expect(await callerOf(secret)).toBeNull()
  expect((await ask(token, 'DELETE', `/v1/account/api-keys/${key.id}`)).status).toBe(404)
})

test('nobody rotates or revokes a key of another person', async () => {
  const { key, secret } = await makeKey(await cloud.signIn('mine@example.org'))
  const other = await cloud.signIn('other@example.org')
  expect((await ask(other, 'POST', `/v1/account/api-keys/${key.id}/rotate`, { keepMs: 0 })).status).toBe(404)
  expect((await ask(other, 'DELETE', `/v1/account/api-keys/${key.id}`)).status).toBe(404)
  expect(await callerOf(secret)).not.toBeNull()
})

test('when a key was used last is known to the minute', async () => {
  const token = await cloud.signIn('used@example.org')
  const { secret } = await makeKey(token)
  await callerOf(secret)
  const first = now
  const lastUsed = async () => (await ask(token, 'GET', '/v1/account/api-keys')).body.keys[0].lastUsedAt
  expect(await lastUsed()).toBe(first)
  now += 31_000
  await callerOf(secret)
  expect(await lastUsed()).toBe(first)
  now += 31_000
  await callerOf(secret)
  expect(await lastUsed()).toBe(now)
})

test('a hundred keys are the most that a person has', async () => {
  const token = await cloud.signIn('many@example.org')
  for (let count = 0; count < 100; count++) await makeKey(token)
  const { status, body } = await ask(token, 'POST', '/v1/account/api-keys', { name: 'One more', scopes: ['inference'], expiresAt: null })
  expect([status, body.error.code]).toEqual([409, 'too_many_keys'])
})
