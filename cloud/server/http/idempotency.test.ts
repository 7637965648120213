import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { giveKeyBack, takeKey } from '../../database/idempotency-keys.ts'
import { asOwner } from '../../database/testing/as-owner.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
let other: TestCloud
let token: string
beforeAll(async () => {
  cloud = await startTestCloud({
    env: { FUSION_CLOUD_KEY: 'a key that both servers have, of 32', FUSION_CLOUD_URL: 'http://cloud.example' },
  })
  other = await startTestCloud({
    env: {
      FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
      FUSION_CLOUD_URL: 'http://cloud.example',
      DATABASE_URL: cloud.databaseUrl,
    },
  })
  token = await cloud.signIn()
})
afterAll(async () => {
  await other.close()
  await cloud.close()
})

interface Answered {
  status: number
  replayed: boolean
  body: Record<string, unknown> & { error?: { code: string } }
}

async function write(
  key: string,
  {
    path = '/v1/account/api-keys',
    method = 'POST',
    body = apiKey(),
    by = token,
    at = cloud.url,
  }: { path?: string; method?: string; body?: object | null; by?: string; at?: string } = {},
): Promise<Answered> {
  const reply = await fetch(at + path, {
    method,
    headers: { authorization: `Bearer ${by}`, ...(body && { 'content-type': 'application/json' }), 'idempotency-key': key },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, replayed: reply.headers.get('idempotent-replayed') === 'true', body: text ? JSON.parse(text) : {} }
}
const apiKey = (name = 'A script') => ({ name, scopes: ['inference'], expiresAt: null })
async function countKeys(by = token): Promise<number> {
  const reply = await fetch(`${cloud.url}/v1/account/api-keys`, { headers: { authorization: `Bearer ${by}` } })
  return ((await reply.json()) as { keys: unknown[] }).keys.length
}

test('the same write under the same key is done once, and answered the same by every server', async () => {
  const before = await countKeys()
  const key = newId()
  const first = await write(key)
  expect(first).toMatchObject({ status: 200, replayed: false })
  for (const at of [cloud.url, other.url]) expect(await write(key, { at })).toEqual({ ...first, replayed: true })
  expect(await countKeys()).toBe(before + 1)
  // What is shown only once lies sealed.
  const secret = (first.body as { secret: string }).secret
  expect(secret.length).toBeGreaterThan(20)
  const stored = await cloud.database.asUser((await whoIs(token)).id, tx =>
    takeKey(tx, { key, requestHash: Buffer.alloc(32), leaseSeconds: 1 }),
  )
  expect(stored!.answer!.toString('latin1')).not.toContain(secret)
})

async function whoIs(by: string): Promise<{ id: string }> {
  const reply = await fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${by}` } })
  return ((await reply.json()) as { user: { id: string } }).user
}

test('an answer without a body is given again without one', async () => {
  const key = newId()
  const make = (await write(newId())).body as { key: { id: string } }
  const revoke = { path: `/v1/account/api-keys/${make.key.id}`, method: 'DELETE', body: null }
  expect(await write(key, revoke)).toEqual({ status: 204, replayed: false, body: {} })
  expect(await write(key, revoke)).toEqual({ status: 204, replayed: true, body: {} })
})

test('of twenty at once at two servers one is done, and the others are told so', async () => {
  const before = await countKeys()
  const key = newId()
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => write(key, { at: index % 2 ? other.url : cloud.url })))
  expect(await countKeys()).toBe(before + 1)
  expect(answers.filter(({ status, replayed }) => status === 200 && !replayed)).toHaveLength(1)
  for (const { status, replayed, body } of answers)
    if (!(status === 200)) expect([status, body.error?.code]).toEqual([409, 'request_running'])
    else if (replayed) expect(body).toEqual(answers.find(one => one.status === 200 && !one.replayed)!.body)
})

test('another request under the key is refused: another body, another address', async () => {
  const key = newId()
  await write(key)
  expect(await write(key, { body: apiKey('Another') })).toMatchObject({ status: 422, body: { error: { code: 'request_differs' } } })
  expect(await write(key, { path: '/v1/conversations', body: { id: newId() } })).toMatchObject({ status: 422 })
  expect(await write(key)).toMatchObject({ status: 200, replayed: true })
})

test('a key is its own for each person', async () => {
  const key = newId()
  const stranger = await cloud.signIn('stranger@example.org')
  const mine = await write(key)
  const theirs = await write(key, { by: stranger })
  expect(theirs).toMatchObject({ status: 200, replayed: false })
  expect(theirs.body).not.toEqual(mine.body)
})

test('what was refused was not done, and may be tried again under its key', async () => {
  const key = newId()
  const id = newId()
  const add = { path: `/v1/conversations/${id}/messages`, body: { id: newId(), parentId: null, role: 'user', parts: [] } }
  expect((await write(key, add)).status).toBe(404)
  await write(newId(), { path: '/v1/conversations', body: { id } })
  expect(await write(key, add)).toMatchObject({ status: 200, replayed: false })
  expect(await write(key, add)).toMatchObject({ status: 200, replayed: true })
})

test('a key whose server died in the middle is refused until its lease is over, and then taken over by the same request alone', async () => {
  const { id: userId } = await whoIs(token)
  const key = newId()
  // As it is while a server works on it.
  const done = await write(key)
  await asOwner(
    cloud.databaseUrl,
    `update idempotency_keys set status = null, answer = null, lease_until = now() + interval '1 minute' where key = '${key}'`,
  )
  expect(await write(key)).toMatchObject({ status: 409, body: { error: { code: 'request_running' } } })
  await asOwner(cloud.databaseUrl, `update idempotency_keys set lease_until = now() - interval '1 second' where key = '${key}'`)
  expect(await write(key, { body: apiKey('Another') })).toMatchObject({ status: 422 })
  const again = await write(key)
  expect(again).toMatchObject({ status: 200, replayed: false })
  expect(again.body).not.toEqual(done.body)
  expect(await write(key)).toEqual({ ...again, replayed: true })
  // Only who holds it gives it back.
  await cloud.database.asUser(userId, tx => giveKeyBack(tx, { key, requestHash: Buffer.alloc(32) }))
  expect(await write(key)).toMatchObject({ replayed: true })
})

test('a key that is none is refused, and one at a route that only reads is passed over', async () => {
  for (const key of ['two words', 'x'.repeat(201), 'ü'.normalize()])
    expect([key, (await write(key)).body.error?.code]).toEqual([key, 'idempotency_key_unfit'])
  const key = newId()
  const read = () => fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${token}`, 'idempotency-key': key } })
  expect((await read()).status).toBe(200)
  expect(await write(key)).toMatchObject({ status: 200, replayed: false })
})

test('what is older than a day is forgotten', async () => {
  const key = newId()
  await write(key)
  await asOwner(cloud.databaseUrl, `update idempotency_keys set created_at = now() - interval '25 hours' where key = '${key}'`)
  const { forgetKeys } = await import('../../database/idempotency-keys.ts')
  await forgetKeys(cloud.database)
  expect(await write(key)).toMatchObject({ status: 200, replayed: false })
})
