import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { tablesWith } from '../../database/testing/tables-with.ts'
import { createUser, type NewUser, type User } from '../../database/users.ts'
import { chatClient, question } from '../testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { createPasswords } from './password.ts'

const PASSWORD = 'a long and quiet sentence'
let ahead = 0
let cloud: TestCloud
let servers: ScriptedServer
beforeAll(async () => {
  servers = await startScriptedServer()
  cloud = await startTestCloud({ clock: () => Date.now() + ahead, env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})

async function ask(token: string, method: string, path: string, body?: object | Buffer) {
  const type = body instanceof Buffer ? 'application/octet-stream' : 'application/json'
  const reply = await fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': type }) },
    ...(body && { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, code: text ? (JSON.parse(text) as { error?: { code: string } }).error?.code : undefined }
}

async function somebody(more: Partial<NewUser> = {}): Promise<{ user: User; token: string }> {
  const user = await cloud.makeUser(more)
  return { user, token: await cloud.signIn(user.email) }
}

/** A chat, its messages, a file, an answer, a key. */
async function live({ user, token }: { user: User; token: string }): Promise<void> {
  const [id, parent] = [newId(), newId()]
  await ask(token, 'POST', '/v1/conversations', { id })
  await ask(token, 'POST', `/v1/conversations/${id}/messages`, { id: parent, parentId: null, role: 'user', parts: [] })
  await ask(token, 'POST', `/v1/conversations/${id}/messages`, { id: newId(), parentId: parent, role: 'assistant', parts: [] })
  const bytes = Buffer.from(`a file of ${user.id}`)
  expect((await ask(token, 'PUT', `/v1/attachments/${createHash('sha256').update(bytes).digest('hex')}`, bytes)).status).toBe(204)
  const following = await chatClient(cloud.url, token).ask(question(MODEL, { conversation: id }))
  const answer = await servers.next()
  answer.say('words')
  answer.finish()
  await following.rest()
  await cloud.parts.apiKeys.make(
    { userId: user.id, organisationId: user.organisationId, address: '127.0.0.1' },
    { name: 'A script', scopes: ['history'], expiresAt: null },
  )
}

const rowsOf = (userId: string) => tablesWith(cloud.databaseUrl, userId)

test('a deleted account is closed at once, and a minute later nothing is left of it but numbers', async () => {
  const passwordHash = await createPasswords().hash(PASSWORD)
  const gone = await somebody({ passwordHash })
  const other = await somebody()
  await live(gone)
  await live(other)
  const kept = await rowsOf(other.user.id)
  expect(kept).toEqual(
    expect.arrayContaining([
      'api_keys',
      'attachments',
      'conversations',
      'generation_events',
      'generations',
      'messages',
      'sessions',
      'users',
    ]),
  )
  await expect.poll(() => rowsOf(gone.user.id)).toContain('usage')

  expect(await ask(gone.token, 'POST', '/v1/account/purge', { email: 'another@example.org', password: PASSWORD })).toMatchObject({
    status: 422,
  })
  expect(await ask(gone.token, 'POST', '/v1/account/purge', { email: gone.user.email })).toMatchObject({
    status: 403,
    code: 'sign_in_wrong',
  })
  expect(await rowsOf(gone.user.id)).toContain('messages')

  expect((await ask(gone.token, 'POST', '/v1/account/purge', { email: gone.user.email.toUpperCase(), password: PASSWORD })).status).toBe(
    204,
  )
  expect((await ask(gone.token, 'GET', '/v1/account')).status).toBe(401)
  const admin = await cloud.signIn()
  const people = await (await fetch(`${cloud.url}/v1/users`, { headers: { authorization: `Bearer ${admin}` } })).text()
  expect(people).not.toContain(gone.user.id)
  expect((await ask(admin, 'PATCH', `/v1/users/${gone.user.id}`, { disabled: false })).status).toBe(404)
  // Whoever comes with the same address is somebody else.
  const { organisationId, email } = gone.user
  const again = await createUser(cloud.database, { organisationId, email, name: 'Again', role: 'member' })
  expect(again!.id).not.toBe(gone.user.id)

  // Another server may take the session for a living one for a while.
  await cloud.parts.accountRemoval.sweep()
  expect(await rowsOf(gone.user.id)).toContain('messages')
  ahead = 61_000
  await cloud.parts.accountRemoval.sweep()
  expect(await rowsOf(gone.user.id)).toEqual(['usage'])
  expect(await cloud.parts.objects.list(`attachments/${gone.user.id}/`)).toEqual([])
  expect(await rowsOf(other.user.id)).toEqual(expect.arrayContaining(kept))
  expect(await cloud.parts.objects.list(`attachments/${other.user.id}/`)).toHaveLength(1)
})

test('whoever has no password deletes their account with a fresh sign-in alone', async () => {
  const user = await cloud.makeUser()
  const { sessions } = cloud.parts.identity
  const clientId = clientIds.desktop
  const { tokens } = await sessions.begin({ user, clientId, deviceName: 'A desk' })
  ahead += 11 * 60_000
  const { access_token: token } = (await sessions.refresh({ token: tokens.refresh_token, clientId, address: '127.0.0.1' }))!
  expect(await ask(token, 'POST', '/v1/account/purge', { email: user.email })).toMatchObject({ status: 403, code: 'sign_in_old' })
  expect((await ask(await cloud.signIn(user.email), 'POST', '/v1/account/purge', { email: user.email })).status).toBe(204)
})

test('the last admin of others stays; one who is alone may go', async () => {
  const { id: organisationId } = await createOrganisation(cloud.database, 'Small')
  const admin = await somebody({ organisationId, role: 'admin' })
  const member = await somebody({ organisationId })
  expect(await ask(admin.token, 'POST', '/v1/account/purge', { email: admin.user.email })).toMatchObject({
    status: 409,
    code: 'last_admin',
  })
  expect((await ask(member.token, 'POST', '/v1/account/purge', { email: member.user.email })).status).toBe(204)
  expect((await ask(admin.token, 'POST', '/v1/account/purge', { email: admin.user.email })).status).toBe(204)
})

test('a folder of files that is out of reach keeps the account from being forgotten, until it is back', async () => {
  const { user, token } = await somebody()
  await live({ user, token })
  const { objects } = cloud.parts
  const broken = Object.assign(Object.create(objects), { delete: () => Promise.reject(new Error('out of reach')) }) as typeof objects
  const { createAccountRemoval } = await import('./account-removal.ts')
  let troubles = 0
  const removal = createAccountRemoval({
    database: cloud.database,
    objects: broken,
    clock: () => Date.now() + ahead,
    onTrouble: () => (troubles += 1),
  })
  expect((await ask(token, 'POST', '/v1/account/purge', { email: user.email })).status).toBe(204)
  ahead += 61_000
  await removal.sweep()
  await removal.close()
  expect(troubles).toBe(1)
  expect(await rowsOf(user.id)).toContain('attachments')
  await cloud.parts.accountRemoval.sweep()
  expect(await rowsOf(user.id)).toEqual(['usage'])
})
