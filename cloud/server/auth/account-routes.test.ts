import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPasswords } from './password.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

const ask = (token: string, path: string, method = 'GET', body?: object) =>
  fetch(`${cloud.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })

test('the account says who is signed in', async () => {
  const token = await cloud.signIn()
  expect(await (await ask(token, '/v1/account')).json()).toEqual({
    user: { id: expect.any(String), email: 'admin@example.org', name: 'Somebody', role: 'admin' },
    organisation: { id: cloud.organisation.id, name: 'Example' },
    session: expect.any(String),
  })
})

test('a device that was signed out is refused at once by the server that did it', async () => {
  const [desk, laptop] = [await cloud.signIn('grace@example.org'), await cloud.signIn('grace@example.org')]
  const { session } = (await (await ask(laptop, '/v1/account')).json()) as { session: string }
  expect((await ask(desk, `/v1/account/sessions/${session}`, 'DELETE')).status).toBe(204)
  expect((await ask(laptop, '/v1/account')).status).toBe(401)
  const { sessions } = (await (await ask(desk, '/v1/account/sessions')).json()) as { sessions: { current: boolean }[] }
  expect(sessions).toEqual([expect.objectContaining({ current: true })])
})

test('nobody signs out a device of another person', async () => {
  const [mine, theirs] = [await cloud.signIn('mine@example.org'), await cloud.signIn('theirs@example.org')]
  const { session } = (await (await ask(theirs, '/v1/account')).json()) as { session: string }
  expect((await ask(mine, `/v1/account/sessions/${session}`, 'DELETE')).status).toBe(404)
  expect((await ask(theirs, '/v1/account')).status).toBe(200)
})

test('signing out everywhere ends every session of the person', async () => {
  const tokens = [await cloud.signIn('alan@example.org'), await cloud.signIn('alan@example.org')]
  expect((await ask(tokens[0]!, '/v1/account/sessions', 'DELETE')).status).toBe(204)
  expect(await Promise.all(tokens.map(async token => (await ask(token, '/v1/account')).status))).toEqual([401, 401])
})

test('a person changes their name', async () => {
  const token = await cloud.signIn('edsger@example.org')
  const reply = await ask(token, '/v1/account', 'PATCH', { name: ' Edsger ' })
  expect(await reply.json()).toMatchObject({ user: { name: 'Edsger' } })
  expect((await ask(token, '/v1/account', 'PATCH', { name: ' ' })).status).toBe(400)
  expect((await ask(token, '/v1/account', 'PATCH', { role: 'admin' })).status).toBe(400)
})

test('a new password asks for the old one, and signs all other devices out', async () => {
  const [old, next] = ['a long and quiet sentence', 'another, still longer sentence']
  await cloud.makeUser({ email: 'barbara@example.org', passwordHash: await createPasswords().hash(old) })
  const [desk, laptop] = [await cloud.signIn('barbara@example.org'), await cloud.signIn('barbara@example.org')]
  const change = (current: string, to: string) => ask(desk, '/v1/account', 'PATCH', { password: { current, next: to } })
  expect((await change('wrong', next)).status).toBe(403)
  expect((await change(old, 'short')).status).toBe(400)
  expect((await ask(laptop, '/v1/account')).status).toBe(200)
  expect((await change(old, next)).status).toBe(200)
  expect([(await ask(desk, '/v1/account')).status, (await ask(laptop, '/v1/account')).status]).toEqual([200, 401])
  const { local } = cloud.parts.identity
  const signIn = (password: string) => local.signIn({ email: 'barbara@example.org', password, address: '192.0.2.1' })
  expect(await signIn(next)).toMatchObject({ email: 'barbara@example.org' })
  await expect(signIn(old)).rejects.toMatchObject({ code: 'sign-in-wrong' })
})
