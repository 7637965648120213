import { clientIds, type DeviceReply, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser } from '../../testing/browser.ts'
import { startTestCloud, type TestCloud } from '../../testing/test-cloud.ts'
import { createPasswords } from '../password.ts'

const PASSWORD = 'a long and quiet sentence'
let cloud: TestCloud
let now = Date.parse('2026-11-25T12:00:00Z')
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
  await cloud.makeUser({ email: 'ada@example.org', passwordHash: await createPasswords().hash(PASSWORD) })
})
afterAll(() => cloud.close())

const post = (path: string, fields: Record<string, string>) =>
  fetch(`${cloud.url}${path}`, { method: 'POST', body: new URLSearchParams(fields) })

async function begin(): Promise<DeviceReply> {
  const reply = await post('/oauth/device', { client_id: clientIds.desktop, device_name: 'The server in the cellar' })
  return (await reply.json()) as DeviceReply
}

/** As the device asks: after the interval that it was told. */
async function poll(
  { device_code, interval }: DeviceReply,
  { soon, client_id = clientIds.desktop }: { soon?: boolean; client_id?: string } = {},
) {
  if (!soon) now += interval * 1000
  const reply = await post('/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id, device_code })
  const body = (await reply.json()) as TokenReply & { error?: string }
  return body.error ?? body
}

async function confirm({ user_code }: DeviceReply, password = PASSWORD) {
  const browser = startBrowser(cloud.url)
  const page = await browser.open(`/oauth/device?user_code=${user_code}`)
  return browser.send(page, { email: 'ada@example.org', password }, '/oauth/sign-in')
}

test('a device is signed in when a person confirms its code in a browser, once', async () => {
  const device = await begin()
  expect(device).toEqual({
    device_code: expect.any(String),
    user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
    verification_uri: `${cloud.url}/oauth/device`,
    verification_uri_complete: `${cloud.url}/oauth/device?user_code=${device.user_code}`,
    expires_in: 900,
    interval: 5,
  })
  expect(await poll(device)).toBe('authorization_pending')
  const page = await startBrowser(cloud.url).open(`/oauth/device?user_code=${device.user_code.toLowerCase().replace('-', ' ')}`)
  expect(page.text).toContain('The server in the cellar')
  expect(page.text).toContain(device.user_code)

  const { location } = await confirm(device)
  expect(location!.pathname).toBe('/oauth/device')
  expect(await poll(device)).toMatchObject({ token_type: 'Bearer' })
  expect(await poll(device)).toBe('invalid_grant')
})

test('of two polls at once, one gets the tokens', async () => {
  const device = await begin()
  await confirm(device)
  now += 60_000
  const answers = await Promise.all([poll(device, { soon: true }), poll(device, { soon: true })])
  expect(answers.filter(answer => typeof answer === 'object')).toHaveLength(1)
})

test('a device that asks too soon is told to slow down, and has to wait longer', async () => {
  const device = await begin()
  expect(await poll(device)).toBe('authorization_pending')
  expect(await poll(device, { soon: true })).toBe('slow_down')
  expect(await poll(device)).toBe('slow_down')
  expect(await poll({ ...device, interval: 15 })).toBe('authorization_pending')
})

test('a wrong password confirms nothing', async () => {
  const device = await begin()
  expect(await confirm(device, 'not her password')).toMatchObject({ status: 403, location: null })
  expect(await poll(device)).toBe('authorization_pending')
})

test('a device that was refused is told so, and can’t be confirmed any more', async () => {
  const device = await begin()
  const browser = startBrowser(cloud.url)
  const page = await browser.open(`/oauth/device?user_code=${device.user_code}`)
  expect((await browser.send(page, {}, '/oauth/device/refuse')).status).toBe(200)
  expect(await poll(device)).toBe('access_denied')
  const sent = await browser.send(page, { email: 'ada@example.org', password: PASSWORD }, '/oauth/sign-in')
  expect(sent).toMatchObject({ status: 404, location: null })
})

test('codes end after a quarter of an hour', async () => {
  const device = await begin()
  now += 900_000
  expect(await poll(device)).toBe('expired_token')
  expect((await startBrowser(cloud.url).open(`/oauth/device?user_code=${device.user_code}`)).status).toBe(404)
})

test('signing out everywhere takes back a confirmation that the device has not fetched yet', async () => {
  const device = await begin()
  await confirm(device)
  const [ada] = await cloud.database.query<{ id: string }>(`select id from users where email = 'ada@example.org'`)
  await cloud.parts.identity.sessions.end({ userId: ada!.id })
  expect(await poll(device)).toBe('access_denied')
})

test('a device code is of the client that it was given to', async () => {
  const device = await begin()
  await confirm(device)
  expect(await poll(device, { client_id: clientIds.dashboard })).toBe('invalid_grant')
  expect(await poll(device)).toMatchObject({ token_type: 'Bearer' })
})

test('an unknown client begins nothing', async () => {
  const reply = await post('/oauth/device', { client_id: 'somebody' })
  expect([reply.status, await reply.json()]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })])
})
