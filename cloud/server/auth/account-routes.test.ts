import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

const ask = (token: string, path: string, method = 'GET') =>
  fetch(`${cloud.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })

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
