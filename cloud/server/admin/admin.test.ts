import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { adminRoutes } from '@fusion/shared/contract/cloud/admin.ts'
import { peopleRoutes } from '@fusion/shared/contract/cloud/people.ts'
import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { auditRoutes } from '@fusion/shared/contract/cloud/security.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOrganisation } from '../../database/organisations.ts'
import type { User } from '../../database/users.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
let admin: { user: User; token: string }
let servers: ScriptedServer
beforeAll(async () => {
  servers = await startScriptedServer()
  const nobody = { url: 'http://127.0.0.1:9', apiKey: 'a key of the operator' }
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }, nobody]) } })
  admin = await somebody('admin')
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})

async function somebody(role: Role, organisationId = cloud.organisation.id) {
  const user = await cloud.makeUser({ role, organisationId })
  return { user, token: await cloud.signIn(user.email) }
}

async function ask(token: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${cloud.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : null }
}

const makeKey = (user: User) =>
  cloud.parts.apiKeys.make(
    { userId: user.id, organisationId: user.organisationId, address: '127.0.0.1' },
    { name: 'A script', scopes: ['inference', 'history'], expiresAt: null },
  )

const lastEvent = async () => (await ask(admin.token, 'GET', '/v1/admin/audit?limit=1')).body.events[0]

/** Every route that is for a role, with the best that a request for it can be. */
const routes: Route[] = [...Object.values(adminRoutes), ...Object.values(peopleRoutes), ...Object.values(auditRoutes)]
const bodies: Record<string, unknown> = {
  [adminRoutes.changeOrganisation.summary]: { name: 'Another' },
  [adminRoutes.setPolicy.summary]: { models: null, maskingRequired: false, budgets: { organisation: null, eachPerson: null } },
  [adminRoutes.setBudget.summary]: { tokens: null },
  [peopleRoutes.changePerson.summary]: { name: 'Another' },
  [peopleRoutes.invite.summary]: { role: 'admin', email: 'new@example.org' },
}

async function askFor(route: Route, token: string, id: string) {
  return ask(token, route.method, route.path.replaceAll(/\{\w+\}/g, id), bodies[route.summary])
}

test.each(routes.map(route => [`${route.method} ${route.path}`, route] as const))('%s is refused to members', async (_, route) => {
  const member = await somebody('member')
  expect((await askFor(route, member.token, member.user.id)).status).toBe(403)
})

test.each(routes.map(route => [`${route.method} ${route.path}`, route] as const))(
  '%s is refused to the API key of an admin',
  async (_, route) => {
    const { text, key } = await makeKey(admin.user)
    expect((await askFor(route, text, key.id)).status).toBe(403)
  },
)

test.each(routes.map(route => [`${route.method} ${route.path}`, route] as const))(
  '%s is refused to whoever is not signed in',
  async (_, route) => {
    const response = await fetch(`${cloud.url}${route.path.replaceAll(/\{\w+\}/g, admin.user.id)}`, {
      method: route.method,
      ...(bodies[route.summary] !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bodies[route.summary]),
      }),
    })
    expect(response.status).toBe(401)
  },
)

test.each(routes.filter(({ method }) => method !== 'GET').map(route => [`${route.method} ${route.path}`, route] as const))(
  '%s is refused to auditors',
  async (_, route) => {
    const { user, token } = await somebody('auditor')
    expect((await askFor(route, token, user.id)).status).toBe(403)
  },
)

test('an auditor sees the settings, the keys, the people and the log', async () => {
  const { token } = await somebody('auditor')
  for (const path of [
    '/v1/admin/organisation',
    '/v1/admin/policy',
    '/v1/admin/api-keys',
    '/v1/admin/model-servers',
    '/v1/users',
    '/v1/admin/audit',
    '/v1/admin/audit/verification',
  ])
    expect((await ask(token, 'GET', path)).status).toBe(200)
})

test('an admin reaches nothing of another organisation: its people, keys and invitations are not there', async () => {
  const { id } = await createOrganisation(cloud.database, 'Elsewhere')
  const [theirs, stranger] = [await somebody('admin', id), await somebody('member', id)]
  const { key, text } = await makeKey(stranger.user)
  const { body: invited } = await ask(theirs.token, 'POST', '/v1/invitations', { role: 'member', email: 'guest@elsewhere.org' })
  const tries: [string, string, unknown?][] = [
    ['PATCH', `/v1/users/${stranger.user.id}`, { role: 'admin' }],
    ['PATCH', `/v1/users/${stranger.user.id}`, { disabled: true }],
    ['DELETE', `/v1/users/${stranger.user.id}/sessions`],
    ['DELETE', `/v1/admin/api-keys/${key.id}`],
    ['DELETE', `/v1/invitations/${invited.invitation.id}`],
  ]
  for (const [method, path, body] of tries) expect([path, (await ask(admin.token, method, path, body)).status]).toEqual([path, 404])
  expect((await ask(stranger.token, 'GET', '/v1/account')).body.user.role).toBe('member')
  expect(await cloud.parts.apiKeys.authenticate(text)).not.toBeNull()

  const seen = JSON.stringify([
    (await ask(admin.token, 'GET', '/v1/users')).body,
    (await ask(admin.token, 'GET', '/v1/admin/api-keys')).body,
    (await ask(admin.token, 'GET', '/v1/invitations')).body,
    (await ask(admin.token, 'GET', '/v1/admin/audit?limit=200')).body,
  ])
  for (const one of [stranger.user.id, key.id, invited.invitation.id]) expect(seen).not.toContain(one)
})

test('a person who is signed out everywhere by an admin is so at once, and may sign in again', async () => {
  const { user, token } = await somebody('member')
  expect((await ask(admin.token, 'DELETE', `/v1/users/${user.id}/sessions`)).status).toBe(204)
  expect((await ask(token, 'GET', '/v1/account')).status).toBe(401)
  expect(await lastEvent()).toMatchObject({ event: 'sign-out-everywhere', actor: admin.user.id, subject: user.id })
  expect((await ask(await cloud.signIn(user.email), 'GET', '/v1/account')).status).toBe(200)
})

test('a closed account takes its API keys along, and gives them back when it is opened', async () => {
  const { user } = await somebody('member')
  const { text } = await makeKey(user)
  expect(await cloud.parts.apiKeys.authenticate(text)).not.toBeNull()
  await ask(admin.token, 'PATCH', `/v1/users/${user.id}`, { disabled: true })
  expect(await cloud.parts.apiKeys.authenticate(text)).toBeNull()
  await ask(admin.token, 'PATCH', `/v1/users/${user.id}`, { disabled: false })
  expect(await cloud.parts.apiKeys.authenticate(text)).not.toBeNull()
})

test('an admin sees whose keys there are, and ends one', async () => {
  const { user } = await somebody('member')
  const { key, text } = await makeKey(user)
  const { body } = await ask(admin.token, 'GET', '/v1/admin/api-keys')
  expect(body.keys[0]).toMatchObject({ key: { id: key.id, name: 'A script' }, owner: { id: user.id, email: user.email } })
  expect(JSON.stringify(body)).not.toContain(text.split('_')[2])
  await cloud.parts.apiKeys.authenticate(text)
  expect((await ask(admin.token, 'DELETE', `/v1/admin/api-keys/${key.id}`)).status).toBe(204)
  expect(await cloud.parts.apiKeys.authenticate(text)).toBeNull()
  expect(await lastEvent()).toMatchObject({ event: 'api-key-revoke', actor: admin.user.id, subject: key.id, detail: { owner: user.id } })
})

test('the keys of an organisation are listed page by page, each once', async () => {
  const { id } = await createOrganisation(cloud.database, 'Many keys')
  const { user, token } = await somebody('admin', id)
  const others = [await cloud.makeUser({ organisationId: id }), await cloud.makeUser({ organisationId: id })]
  for (const owner of [user, ...others]) for (let count = 0; count < 70; count++) await makeKey(owner)
  const first = (await ask(token, 'GET', '/v1/admin/api-keys')).body
  const second = (await ask(token, 'GET', `/v1/admin/api-keys?after=${first.keys.at(-1).key.id}`)).body
  expect([first.keys.length, first.more, second.keys.length, second.more]).toEqual([200, true, 10, false])
  expect(new Set([...first.keys, ...second.keys].map(entry => entry.key.id)).size).toBe(210)
})

test('what an admin changes of the organisation is there, and the log says which setting, not what it says', async () => {
  const changed = await ask(admin.token, 'PATCH', '/v1/admin/organisation', { systemPrompt: 'Answer in one sentence.' })
  expect(changed.body).toEqual({ id: cloud.organisation.id, name: expect.any(String), systemPrompt: 'Answer in one sentence.' })
  expect(await lastEvent()).toMatchObject({ event: 'organisation-change', detail: { name: false, systemPrompt: true } })
  expect((await ask(admin.token, 'PATCH', '/v1/admin/organisation', { name: 'Renamed' })).body.systemPrompt).toBe('Answer in one sentence.')
  await ask(admin.token, 'PATCH', '/v1/admin/organisation', { systemPrompt: null })
  expect((await ask(admin.token, 'GET', '/v1/admin/organisation')).body).toEqual({
    id: cloud.organisation.id,
    name: 'Renamed',
    systemPrompt: null,
  })
})

test.each([{ name: '' }, { name: 'a\u0000b' }, { systemPrompt: 'a\u0000b' }, { systemPrompt: 'x'.repeat(100_001) }, { id: 'another' }])(
  'an organisation is not changed to %o',
  async body => {
    expect((await ask(admin.token, 'PATCH', '/v1/admin/organisation', body)).status).toBe(400)
  },
)

test('model servers are listed by host, with what they have and whether they answer, and without their keys', async () => {
  await cloud.parts.models.looked
  const { body } = await ask(admin.token, 'GET', '/v1/admin/model-servers')
  expect(body).toEqual({
    servers: [
      { server: new URL(servers.url).host, up: true, models: [MODEL], inFlight: 0 },
      { server: '127.0.0.1:9', up: false, models: [], inFlight: 0 },
    ],
  })
})

test('the log is read page by page, the newest first, and its chain is whole', async () => {
  const { events, next } = (await ask(admin.token, 'GET', '/v1/admin/audit?limit=2')).body
  const later = (await ask(admin.token, 'GET', `/v1/admin/audit?limit=2&before=${next}`)).body
  const seqs: number[] = [...events, ...later.events].map((event: { seq: number }) => event.seq)
  const newest = seqs[0]!
  expect(seqs).toEqual([newest, newest - 1, newest - 2, newest - 3])
  expect((await ask(admin.token, 'GET', '/v1/admin/audit/verification')).body).toMatchObject({ events: newest, broken: null })
})
