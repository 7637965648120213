import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startBrowser } from '../testing/browser.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const PASSWORD = 'a long and quiet sentence'
let cloud: TestCloud
let admin: string
let now = Date.parse('2026-11-25T12:00:00Z')
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
})
beforeEach(async () => {
  admin = await cloud.signIn()
})
afterAll(() => cloud.close())

const ask = (method: string, path: string, { body, token = admin }: { body?: object; token?: string } = {}) =>
  fetch(`${cloud.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })

async function invite(body: object = { role: 'member' }) {
  const { link, invitation } = (await (await ask('POST', '/v1/invitations', { body })).json()) as {
    link: string
    invitation: { id: string }
  }
  return { path: link.slice(cloud.url.length), id: invitation.id }
}

async function join(path: string, fields: Record<string, string>) {
  const browser = startBrowser(cloud.url)
  const page = await browser.open(path)
  return page.status === 200 ? browser.send(page, { name: 'Grace', password: PASSWORD, ...fields }) : page
}

test('the first person makes the organisation and is its admin, by a link that is good once and for a day', async () => {
  let later = now
  const fresh = await startTestCloud({ clock: () => later })
  try {
    const browser = startBrowser(fresh.url)
    const path = fresh.firstAdminLink!.slice(fresh.url.length)
    const page = await browser.open(path)
    expect(page.text).toContain('Set up this cloud')
    const fields = { organisation: 'Cellar', name: 'Ada', email: 'ada@example.org', password: PASSWORD }
    expect((await browser.send(page, { ...fields, password: 'short' })).text).toContain('This password is too short.')
    expect((await browser.send(page, fields)).text).toContain('Your account is made')
    expect(
      await fresh.database.query('select u.email, u.role, o.name from users u join organisations o on o.id = organisation_id'),
    ).toEqual([{ email: 'ada@example.org', role: 'admin', name: 'Cellar' }])
    expect((await browser.open(path)).status).toBe(404)
    expect(await fresh.parts.identity.invitations.firstAdminLink()).toBeNull()
    await fresh.database.query('delete from users')
    const late = (await fresh.parts.identity.invitations.firstAdminLink())!.slice(fresh.url.length)
    expect((await browser.open(late)).status).toBe(200)
    later += 86_400_000
    expect((await browser.open(late)).status).toBe(404)
  } finally {
    await fresh.close()
  }
})

test('of two that take first links at once, one is first', async () => {
  const fresh = await startTestCloud()
  try {
    const { invitations } = fresh.parts.identity
    const links = [fresh.firstAdminLink!, (await invitations.firstAdminLink())!]
    const results = await Promise.allSettled(
      links.map((link, index) =>
        invitations.accept(
          new URL(link).searchParams.get('code')!,
          { organisation: 'Cellar', name: 'Ada', email: `ada-${index}@example.org`, password: PASSWORD },
          '192.0.2.1',
        ),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(results.find(result => result.status === 'rejected')!.reason).toMatchObject({ code: 'link-over' })
    expect(await fresh.database.query('select role from users')).toEqual([{ role: 'admin' }])
  } finally {
    await fresh.close()
  }
})

test('a first link is worthless when there is somebody, however they came', async () => {
  const fresh = await startTestCloud()
  try {
    await fresh.makeUser()
    const code = new URL(fresh.firstAdminLink!).searchParams.get('code')!
    const joining = { organisation: 'Cellar', name: 'Ada', email: 'ada@example.org', password: PASSWORD }
    await expect(fresh.parts.identity.invitations.accept(code, joining, '192.0.2.1')).rejects.toMatchObject({ code: 'link-over' })
  } finally {
    await fresh.close()
  }
})

test('somebody who is invited joins with the role and the address of the invitation', async () => {
  const { path } = await invite({ role: 'auditor', email: 'grace@example.org' })
  const { text } = await join(path, { email: 'another@example.org' })
  expect(text).toContain('Your account is made')
  const { users } = (await (await ask('GET', '/v1/users')).json()) as { users: object[] }
  expect(users[0]).toMatchObject({ email: 'grace@example.org', name: 'Grace', role: 'auditor', disabledAt: null })
  expect((await join(path, {})).status).toBe(404)
})

test('an invitation that was taken back, or is a week old, lets nobody in', async () => {
  const [gone, old] = [await invite(), await invite()]
  expect((await ask('DELETE', `/v1/invitations/${gone.id}`)).status).toBe(204)
  expect((await join(gone.path, { email: 'late@example.org' })).status).toBe(404)
  now += 7 * 86_400_000
  expect((await join(old.path, { email: 'late@example.org' })).status).toBe(404)
})

test('what is wrong is said on the page, and what was typed stays', async () => {
  const { path } = await invite()
  const cases = [
    [{ email: 'admin@example.org' }, 'There is an account with this e-mail address.'],
    [{ email: 'nowhere' }, 'This is not an e-mail address.'],
    [{ email: 'b@example.org', name: ' ' }, 'This name is empty'],
    [{ email: 'b@example.org', password: 'short' }, 'This password is too short.'],
  ] as const
  for (const [fields, words] of cases) {
    const { text } = await join(path, fields)
    expect(text).toContain(words)
    expect(text).toContain(`value="${fields.email}"`)
    expect(text).not.toContain(PASSWORD)
  }
})

test('where nobody has a password, an invitation names an address, and its link leads to the app', async () => {
  const fresh = await startTestCloud({ env: { FUSION_LOCAL_ACCOUNTS: 'false' } })
  try {
    const headers = { authorization: `Bearer ${await fresh.signIn()}`, 'content-type': 'application/json' }
    const ask = (body: object) => fetch(`${fresh.url}/v1/invitations`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect((await ask({ role: 'member' })).status).toBe(400)
    const { link } = (await (await ask({ role: 'member', email: 'grace@example.org' })).json()) as { link: string }
    const page = await startBrowser(fresh.url).open(link.slice(fresh.url.length))
    expect(page.text).toContain('Open Fusion and sign in to the cloud')
    expect(page.text).not.toContain('<form')
  } finally {
    await fresh.close()
  }
})

test('members invite nobody, and admins see no invitation or person of another organisation', async () => {
  const member = await cloud.signIn('member@example.org')
  expect((await ask('POST', '/v1/invitations', { body: { role: 'admin' }, token: member })).status).toBe(403)
  const { id } = await invite()
  const [other] = await cloud.database.query<{ id: string }>(
    `insert into organisations (id, name) values (gen_random_uuid(), 'Other') returning id`,
  )
  const stranger = await cloud.makeUser({ organisationId: other!.id, role: 'admin', email: 'stranger@example.org' })
  const theirs = await cloud.signIn('stranger@example.org')
  expect((await ask('DELETE', `/v1/invitations/${id}`, { token: theirs })).status).toBe(404)
  expect(await (await ask('GET', '/v1/invitations', { token: theirs })).json()).toEqual({ invitations: [] })
  expect((await ask('PATCH', `/v1/users/${stranger.id}`, { body: { role: 'member' } })).status).toBe(404)
  expect(((await (await ask('GET', '/v1/users', { token: theirs })).json()) as { users: object[] }).users).toHaveLength(1)
})

test('a person whose account is closed is out, and a role is in effect at once; the last admin stays one', async () => {
  const person = await cloud.makeUser({ email: 'soon@example.org' })
  const token = await cloud.signIn('soon@example.org')
  expect((await ask('GET', '/v1/users', { token })).status).toBe(403)
  expect((await ask('PATCH', `/v1/users/${person.id}`, { body: { role: 'auditor' } })).status).toBe(200)
  expect((await ask('GET', '/v1/users', { token })).status).toBe(200)
  expect(await (await ask('PATCH', `/v1/users/${person.id}`, { body: { disabled: true } })).json()).toMatchObject({ disabledAt: now })
  expect((await ask('GET', '/v1/users', { token })).status).toBe(401)

  const { user } = (await (await ask('GET', '/v1/account')).json()) as { user: { id: string } }
  for (const body of [{ role: 'member' }, { disabled: true }])
    expect((await ask('PATCH', `/v1/users/${user.id}`, { body })).status).toBe(409)
})
