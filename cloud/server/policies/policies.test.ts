import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ChatRequest } from '@fusion/shared/contract/cloud/chat.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { addUsage, rollUpUsage } from '../../database/usage.ts'
import { question } from '../testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let servers: ScriptedServer
let cloud: TestCloud
let ahead = 0
/** The middle of a month: days of it lie before and after. */
const MIDDLE = Date.UTC(2031, 4, 15, 12)
beforeAll(async () => {
  const began = Date.now()
  servers = await startScriptedServer()
  const env = { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) }
  cloud = await startTestCloud({ env, clock: () => MIDDLE + Date.now() - began + ahead })
  await cloud.parts.models.looked
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})
beforeEach(() => {
  // Sums of the test before are too old.
  ahead += 60_000
})

async function organisation() {
  const { id } = await createOrganisation(cloud.database, 'Another')
  const [admin, member] = [await cloud.makeUser({ role: 'admin', organisationId: id }), await cloud.makeUser({ organisationId: id })]
  const token = await cloud.signIn(admin.email)
  const call = async (by: string, method: string, path: string, body?: object) => {
    const reply = await fetch(cloud.url + path, {
      method,
      headers: { authorization: `Bearer ${by}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    const isJson = reply.headers.get('content-type')?.startsWith('application/json')
    return {
      status: reply.status,
      body: (isJson ? JSON.parse(text) : {}) as Record<string, never> & { error?: { code: string; message: string } },
    }
  }
  const set = async (policy: object) => {
    const whole = { models: null, maskingRequired: false, budgets: { organisation: null, eachPerson: null }, ...policy }
    const { status, body } = await call(token, 'PUT', '/v1/admin/policy', whole)
    expect([status, body]).toEqual([200, whole])
    expect((await call(token, 'GET', '/v1/admin/policy')).body).toEqual(whole)
  }
  /** Asks, and lets an answer end at once; how it was refused. */
  const ask = async (by: string, request: ChatRequest = question(MODEL)) => {
    const { status, body } = await call(by, 'POST', '/v1/chat', request)
    return [status, body.error?.code]
  }
  const used = async (userId: string, tokens: number, at: number) => {
    await cloud.database.asUser(userId, tx =>
      addUsage(tx, [
        {
          userId,
          organisationId: id,
          apiKeyId: null,
          requestId: newId(),
          kind: 'chat',
          model: MODEL,
          server: null,
          ended: 'complete',
          promptTokens: tokens - 1,
          cachedTokens: 0,
          completionTokens: 1,
          priceVersion: null,
          cost: 0,
          source: 'model',
          retries: 0,
          at: new Date(at),
          durationMs: 1,
        },
      ]),
    )
    await rollUpUsage(cloud.database)
    await cloud.parts.budgets.reconcile()
  }
  return { id, admin, member, token, memberToken: await cloud.signIn(member.email), call, set, ask, used }
}

/** Nothing is answered here: the model server refuses, which a generation tells as an event, after it was taken. */
const taken = [200, undefined]
beforeAll(() => servers.refuse('/v1/chat/completions', 500))

test('models that are not allowed are neither listed nor answered, as if there were none of that name', async () => {
  const of = await organisation()
  const list = async () =>
    ((await of.call(of.memberToken, 'GET', '/v1/models')).body as unknown as { data: { id: string }[] }).data.map(({ id }) => id)
  expect(await list()).toEqual([MODEL])
  await of.set({ models: ['another'] })
  expect(await list()).toEqual([])
  expect((await of.call(of.memberToken, 'GET', `/v1/models/${MODEL}`)).status).toBe(404)
  expect(await of.ask(of.memberToken)).toEqual([404, 'model_not_found'])
  for (const path of ['chat/completions', 'completions', 'responses', 'embeddings']) {
    const body = { model: MODEL, messages: [{ role: 'user', content: 'x' }], prompt: 'x', input: 'x' }
    expect([path, (await of.call(of.memberToken, 'POST', `/v1/${path}`, body)).body.error?.code]).toEqual([path, 'model_not_found'])
  }
  await of.set({ models: [MODEL] })
  expect(await list()).toEqual([MODEL])
})

test('where masking is required no prompt is made from history, and what a device has planned is answered', async () => {
  const of = await organisation()
  await of.set({ maskingRequired: true })
  const conversation = newId()
  await of.call(of.memberToken, 'POST', '/v1/conversations', { id: conversation })
  const { prompt: _, ...bare } = question(MODEL, { conversation, question: { id: newId(), text: 'Hello' } })
  expect(await of.ask(of.memberToken, bare)).toEqual([403, 'masking_required'])
  expect(await of.ask(of.memberToken)).toEqual(taken)
})

test('who has used up what a month allows is told so, and when there is more; others go on', async () => {
  const of = await organisation()
  await of.set({ budgets: { organisation: null, eachPerson: 6000 } })
  const month = Date.UTC(2031, 4, 1)
  // What was used before the month began does not count, what was used in its first second does.
  await of.used(of.member.id, 50_000, month - 1)
  await of.used(of.member.id, 4900, month)
  expect(await of.ask(of.memberToken)).toEqual(taken)
  await of.used(of.member.id, 1000, MIDDLE)
  // With what the answer before took; what it had reserved is given back a moment after its end.
  const refused = async () => (await of.call(of.memberToken, 'POST', '/v1/chat', question(MODEL))).body.error?.message
  await expect
    .poll(refused)
    .toMatch(
      /^The tokens of this month are used up: 5,9\d\d of 6,000\. There are new ones from June 1 on\. Whoever manages this cloud can allow more\.$/,
    )
  expect(await of.ask(of.memberToken)).toEqual([429, 'insufficient_quota'])
  expect(await of.ask(of.token)).toEqual(taken)

  // A budget of one's own stands above everybody's.
  await of.call(of.token, 'PUT', `/v1/users/${of.member.id}/budget`, { tokens: 9000 })
  expect(await of.ask(of.memberToken)).toEqual(taken)
  await of.call(of.token, 'PUT', `/v1/users/${of.member.id}/budget`, { tokens: null })
  expect(await of.ask(of.memberToken)).toEqual([429, 'insufficient_quota'])
  await of.set({})
  expect(await of.ask(of.memberToken)).toEqual(taken)
})

test('a budget of the organisation is of all of its people together, and of nobody else', async () => {
  const of = await organisation()
  const others = await organisation()
  await of.set({ budgets: { organisation: 1000, eachPerson: null } })
  await of.used(of.member.id, 600, MIDDLE)
  await of.used(of.admin.id, 400, MIDDLE)
  await others.used(others.member.id, 9000, MIDDLE)
  for (const by of [of.token, of.memberToken]) expect(await of.ask(by)).toEqual([429, 'insufficient_quota'])
  expect(await others.ask(others.memberToken)).toEqual(taken)
})
