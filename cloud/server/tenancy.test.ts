// Over the route table itself: a route with an id in its path is covered by being there.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendEvents, beginGeneration } from '../database/generations.ts'
import { createOrganisation } from '../database/organisations.ts'
import type { User } from '../database/users.ts'
import { startTestCloud, type TestCloud } from './testing/test-cloud.ts'

interface Person {
  user: User
  token: string
}

const contract = join(import.meta.dirname, '../../shared/contract/cloud')
const routes = (await Promise.all((await readdir(contract)).map(file => import(join(contract, file)) as Promise<Record<string, unknown>>)))
  .flatMap(module => Object.entries(module))
  .filter(([name]) => name.endsWith('Routes'))
  .flatMap(([, group]) => Object.values(group as Record<string, Route>))
  // Models and the files of the dashboard are nobody's. An attachment is named by what it holds: two people may have the same one.
  .filter(({ path }) => path.includes('{') && !/\/(?:models|assets|attachments)\/\{/.test(path))
const nameOf = ({ method, path }: Route) => `${method} ${path}`

/** What is needed for a route to get as far as the id, where that is a body. */
const bodies: Record<string, unknown> = {
  'PATCH /v1/users/{user}': { role: 'auditor' },
  'PUT /v1/users/{user}/budget': { tokens: 1000 },
  'POST /v1/account/api-keys/{key}/rotate': { keepMs: 0 },
  'PATCH /v1/conversations/{id}': { title: 'Mine now' },
  'POST /v1/conversations/{id}/messages': { id: newId(), parentId: null, role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
}

let cloud: TestCloud
let owner: Person
/** An API key of each may do all that a key may. */
let strangers: { who: string; token: string }[]

beforeAll(async () => {
  cloud = await startTestCloud()
  owner = await somebody('admin', cloud.organisation.id)
  const elsewhere = await createOrganisation(cloud.database, 'Elsewhere')
  const colleague = await somebody('member', cloud.organisation.id)
  const admin = await somebody('admin', elsewhere.id)
  strangers = [
    { who: 'a member of the same organisation', token: colleague.token },
    { who: 'an admin of another organisation', token: admin.token },
    { who: 'an API key of the same organisation', token: (await makeKey(colleague.user)).text },
    { who: 'an API key of another organisation', token: (await makeKey(admin.user)).text },
  ]
})
afterAll(() => cloud.close())

async function somebody(role: Role, organisationId: string): Promise<Person> {
  const user = await cloud.makeUser({ role, organisationId })
  return { user, token: await cloud.signIn(user.email) }
}

const makeKey = ({ id: userId, organisationId }: User) =>
  cloud.parts.apiKeys.make(
    { userId, organisationId, address: '127.0.0.1' },
    { name: 'A script', scopes: ['inference', 'history'], expiresAt: null },
  )

/** What the owner has done before, where a route is for something in a certain state. */
const before: Record<string, (id: string) => Promise<unknown>> = {
  'POST /v1/conversations/{id}/purge': id => ask(owner.token, 'DELETE', `/v1/conversations/${id}`),
}

/** By the part of the path before its id: makes one that is the owner's, and gives its id. */
const makers: Record<string, () => Promise<string>> = {
  async sessions() {
    const { sessions } = cloud.parts.identity
    return (await sessions.begin({ user: owner.user, clientId: clientIds.desktop, deviceName: 'Another desk' })).sessionId
  },
  users: async () => (await cloud.makeUser()).id,
  'api-keys': async () => (await makeKey(owner.user)).key.id,
  async invitations() {
    const { id: invitedBy, organisationId } = owner.user
    const { invitation } = await cloud.parts.identity.invitations.invite({ organisationId, role: 'member', email: null, invitedBy })
    return invitation.id
  },
  async generations() {
    const { id: userId } = owner.user
    const id = newId()
    const ids = { userId, id, conversationId: newId(), parentId: null, questionId: newId() }
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 0 }
    const failed = Failure.toBody(failure('model-missing'))
    await cloud.database.asUser(userId, async tx => {
      await beginGeneration(tx, { ...ids, requestHash: Buffer.alloc(32), model: 'a-model', leaseSeconds: 60, owner: id, answerDue: false })
      await appendEvents(tx, {
        userId,
        id,
        owner: id,
        firstSeq: 1,
        events: [{ type: 'generation-fail', failure: failed, usage }],
        end: 'failed',
      })
    })
    return id
  },
  async conversations() {
    const id = newId()
    const { status } = await ask(owner.token, 'POST', '/v1/conversations', { id })
    expect(status).toBe(200)
    return id
  },
}

async function ask(token: string, method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${cloud.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text() }
}

test('every route with an id in its path is in the table that these tests go through', async () => {
  const { paths } = (await (await fetch(`${cloud.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> }
  const served = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`))
  expect(served.filter(name => name.includes('{') && !/\/(?:models|assets|attachments)\/\{/.test(name)).toSorted()).toEqual(
    routes.map(nameOf).toSorted(),
  )
})

test.each(routes.map(route => [nameOf(route), route] as const))(
  '%s gives nothing of another person, and takes nothing',
  async (name, route) => {
    const collection = /([\w-]+)\/\{\w+\}/.exec(route.path)![1]!
    const make = makers[collection]
    if (!make) throw new Error(`say in this test how somebody comes to one of their ${collection}`)
    const id = await make()
    await before[name]?.(id)
    const path = route.path.replace(/\{\w+\}/, id)
    for (const { who, token } of strangers) {
      const { status, text } = await ask(token, route.method, path, bodies[name])
      expect([who, [403, 404].includes(status), status, text]).toEqual([who, true, status, text])
      // Whether there is such a thing is not told either: one that nobody has is answered the same.
      const other = await ask(token, route.method, route.path.replace(/\{\w+\}/, newId()), bodies[name])
      expect([who, other.status, withoutId(other.text)]).toEqual([who, status, withoutId(text)])
    }
    const { status } = await ask(owner.token, route.method, path, bodies[name])
    expect([status, status < 400]).toEqual([status, true])
  },
)

/** What is of one request alone, in the reply to it. */
const withoutId = (text: string) => text.replaceAll(/"request_id":"[^"]*"/g, '')
