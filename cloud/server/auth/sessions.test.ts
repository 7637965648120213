import { clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { User } from '../../database/users.ts'
import { createMemoryCache } from '../cache/cache.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { createIdentity } from './identity.ts'

let cloud: TestCloud
let user: User
let now = Date.parse('2026-11-25T12:00:00Z')
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
})
beforeEach(async () => {
  user = await cloud.makeUser()
})
afterAll(() => cloud.close())

async function begin(): Promise<TokenReply> {
  return (await cloud.parts.identity.sessions.begin({ user, clientId: clientIds.desktop, deviceName: 'A desk' })).tokens
}

async function refresh(token: string, clientId: string = clientIds.desktop) {
  const response = await fetch(`${cloud.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token }),
  })
  return { status: response.status, tokens: (await response.json()) as TokenReply }
}

const accountStatus = async (token: string) =>
  (await fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${token}` } })).status

test('each refresh gives a new token, and the session goes on', async () => {
  let tokens = await begin()
  const seen = new Set([tokens.refresh_token])
  for (let step = 0; step < 3; step++) {
    now += 3_600_000
    const next = await refresh(tokens.refresh_token)
    expect(next.status).toBe(200)
    tokens = next.tokens
    seen.add(tokens.refresh_token)
  }
  expect(seen.size).toBe(4)
  expect(await accountStatus(tokens.access_token)).toBe(200)
})

test('a device that lost the reply gets the same successor for a minute', async () => {
  const { refresh_token } = await begin()
  const first = await refresh(refresh_token)
  now += 59_000
  const again = await refresh(refresh_token)
  expect(again.tokens.refresh_token).toBe(first.tokens.refresh_token)
  expect((await refresh(first.tokens.refresh_token)).status).toBe(200)
})

test('a token that comes again after that minute ends the session, for the thief and the owner', async () => {
  const { refresh_token } = await begin()
  const { tokens } = await refresh(refresh_token)
  expect(await accountStatus(tokens.access_token)).toBe(200)
  now += 60_000
  expect((await refresh(refresh_token)).status).toBe(400)
  expect((await refresh(tokens.refresh_token)).status).toBe(400)
  expect(await accountStatus(tokens.access_token)).toBe(401)
})

test('a token from two steps back ends the session, also within the minute', async () => {
  const { refresh_token } = await begin()
  const second = await refresh(refresh_token)
  await refresh(second.tokens.refresh_token)
  expect((await refresh(refresh_token)).status).toBe(400)
  expect((await refresh(second.tokens.refresh_token)).status).toBe(400)
})

test('many that refresh with the same token at once all get the one successor', async () => {
  const { refresh_token } = await begin()
  const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(refresh_token)))
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(replies.map(({ tokens }) => tokens.refresh_token)).size).toBe(1)
})

test('a guessed token ends nobody’s session', async () => {
  const { access_token, refresh_token } = await begin()
  const [session, counter, proof] = refresh_token.split('.') as [string, string, string]
  const wrong = proof.startsWith('A') ? `B${proof.slice(1)}` : `A${proof.slice(1)}`
  for (const token of [`${session}.${counter}.${wrong}`, `${session}.7.${proof}`, `${newId()}.${counter}.${proof}`, 'x', session])
    expect((await refresh(token)).status).toBe(400)
  expect((await refresh(refresh_token, clientIds.dashboard)).status).toBe(400)
  expect(await accountStatus(access_token)).toBe(200)
  expect((await refresh(refresh_token)).status).toBe(200)
})

test('nothing in the database is a refresh token, or makes one', async () => {
  const { refresh_token } = await begin()
  const rows = await cloud.database.query<{ row: string }>('select sessions::text as row from sessions where user_id = $1', [user.id])
  const proof = refresh_token.split('.')[2]!
  expect(rows).toHaveLength(1)
  expect(rows[0]!.row).not.toContain(proof)
  expect(rows[0]!.row).not.toContain(Buffer.from(proof, 'base64url').toString('hex'))
})

test('a device that was not used for sixty days signs in again', async () => {
  const { refresh_token } = await begin()
  now += 60 * 86_400_000
  expect((await refresh(refresh_token)).status).toBe(400)
})

test('revoking a refresh token ends its session, and says nothing of tokens that are none', async () => {
  const { access_token, refresh_token } = await begin()
  const revoke = async (token: string) =>
    (await fetch(`${cloud.url}/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })).status
  expect(await revoke('nonsense')).toBe(200)
  expect(await accountStatus(access_token)).toBe(200)
  expect(await revoke(refresh_token)).toBe(200)
  expect(await accountStatus(access_token)).toBe(401)
  expect((await refresh(refresh_token)).status).toBe(400)
})

test('signing out everywhere is in effect at another server after half a minute, its cache included', async () => {
  const { database } = cloud
  const { access_token } = await begin()
  const secretKey = Buffer.from('the key that both servers have been given')
  const servers = [createMemoryCache(), createMemoryCache()].map(cache =>
    createIdentity({ database, secretKey, audit: cloud.parts.audit, cache, publicUrl: () => cloud.url, clock: () => now }),
  )
  const [here, there] = servers as [(typeof servers)[number], (typeof servers)[number]]
  const sessionId = (await cloud.parts.identity.callerOf(access_token))!.sessionId!
  // Both know the session from a moment ago.
  expect([await here.sessions.find(sessionId), await there.sessions.find(sessionId)]).toEqual([
    expect.objectContaining({ id: sessionId }),
    expect.objectContaining({ id: sessionId }),
  ])
  await here.sessions.end({ userId: user.id })
  expect(await here.sessions.find(sessionId)).toBeUndefined()
  now += 30_000
  expect(await there.sessions.find(sessionId)).toBeUndefined()
})

test('servers that share a cache know at once', async () => {
  const { access_token } = await begin()
  const sessionId = (await cloud.parts.identity.callerOf(access_token))!.sessionId!
  const [cache, secretKey] = [createMemoryCache(), Buffer.from('the key that both servers have been given')]
  const make = () =>
    createIdentity({ database: cloud.database, secretKey, audit: cloud.parts.audit, cache, publicUrl: () => cloud.url, clock: () => now })
  const [here, there] = [make(), make()]
  expect(await there.sessions.find(sessionId)).toBeDefined()
  await here.sessions.end({ userId: user.id })
  expect(await there.sessions.find(sessionId)).toBeUndefined()
})

test('a closed account is out within half a minute, and refreshes no more', async () => {
  const { access_token, refresh_token } = await begin()
  expect(await accountStatus(access_token)).toBe(200)
  await cloud.database.query('update users set disabled_at = now() where id = $1', [user.id])
  now += 30_000
  expect(await accountStatus(access_token)).toBe(401)
  expect((await refresh(refresh_token)).status).toBe(400)
})
