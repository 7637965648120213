// The ledger through the whole cloud: what was asked stands in it once, however it ended.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Static } from 'typebox'
import { usageRoutes } from '@fusion/shared/contract/cloud/usage.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { rollUpUsage } from '../../database/usage.ts'
import { chatClient, question } from '../testing/chat-client.ts'
import { MODEL, PROMPT_TOKENS, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

type Own = Static<typeof usageRoutes.own.reply>
type Organisation = Static<typeof usageRoutes.organisation.reply>

let servers: ScriptedServer
let cloud: TestCloud
beforeAll(async () => {
  servers = await startScriptedServer()
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})
beforeEach(() => expect.poll(() => cloud.parts.models.servers()[0]!.up).toBe(true))

const ask = (token: string, method: string, path: string, body?: object, signal?: AbortSignal) =>
  fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
const own = async (token: string) => ((await (await ask(token, 'GET', '/v1/usage')).json()) as Own).days
const organisation = async (token: string, hours: number) =>
  (await (await ask(token, 'GET', `/v1/admin/usage?hours=${hours}`)).json()) as Organisation
const none = { requests: 0, stopped: 0, failed: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0, cost: 0 }
const today = () => new Date().toISOString().slice(0, 10)

/** Somebody of an organisation of their own, who manages it. */
async function somebody() {
  const { id } = await createOrganisation(cloud.database, 'Another')
  const user = await cloud.makeUser({ role: 'admin', organisationId: id })
  return { user, token: await cloud.signIn(user.email) }
}

test('each kind of request is a row, by token and by key, with its tokens and its end', async () => {
  const { user, token } = await somebody()
  const { text: key } = await cloud.parts.apiKeys.make(
    { userId: user.id, organisationId: user.organisationId, address: '127.0.0.1' },
    { name: 'A script', scopes: ['inference'], expiresAt: null },
  )
  expect(await own(token)).toEqual([])
  expect(await organisation(token, 1)).toMatchObject({ totals: none, models: [], people: [] })

  const client = chatClient(cloud.url, token)
  const finished = await client.ask(question(MODEL))
  const answer = await servers.next()
  answer.say('two tokens', 2)
  answer.finish()
  await finished.rest()

  const stopping = question(MODEL)
  const stopped = await client.ask(stopping)
  const stoppedAnswer = await servers.next()
  stoppedAnswer.say('one')
  await stopped.until(({ type }) => type === 'text-delta')
  await client.call('POST', `/v1/generations/${stopping.answer}/cancel`)
  await stopped.rest()

  const messages = [{ role: 'user', content: 'What is Fusion?' }]
  const streaming = ask(key, 'POST', '/v1/chat/completions', { model: MODEL, messages, stream: true })
  const streamed = await servers.next()
  streamed.say('three tokens here', 3)
  streamed.finish()
  await (await streaming).text()

  // It goes in the middle of its answer.
  const leaving = new AbortController()
  const left = ask(key, 'POST', '/v1/completions', { model: MODEL, prompt: 'Once', stream: true }, leaving.signal)
  const leftAnswer = await servers.next()
  leftAnswer.say('upon')
  await left
  leaving.abort()
  await leftAnswer.gone

  expect((await ask(key, 'POST', '/v1/responses', { model: 'made-up\u0001', input: 'Hello' })).status).toBe(404)

  const all = { ...none, requests: 4, stopped: 2, completionTokens: 7 }
  await expect
    .poll(() => own(token), { timeout: 10_000 })
    .toMatchObject([
      { day: today(), model: 'none', requests: 1, stopped: 0, failed: 1, promptTokens: 0, completionTokens: 0 },
      { day: today(), model: MODEL, requests: 4, stopped: 2, failed: 0 },
    ])
  const [, ofModel] = await own(token)
  expect(ofModel!.completionTokens).toBe(all.completionTokens)
  expect(ofModel!.promptTokens).toBeGreaterThanOrEqual(3 * PROMPT_TOKENS)

  const lastHour = await organisation(token, 1)
  expect(lastHour.totals).toMatchObject({ requests: 5, stopped: 2, failed: 1, completionTokens: 7 })
  expect(lastHour.models.map(({ model, requests }) => [model, requests])).toEqual([
    [MODEL, 4],
    ['none', 1],
  ])
  expect(lastHour.people).toMatchObject([{ id: user.id, email: user.email, requests: 5 }])
  // Sums are what the rows are.
  await rollUpUsage(cloud.database)
  expect((await organisation(token, 744)).totals).toEqual(lastHour.totals)

  const stranger = await somebody()
  expect(await own(stranger.token)).toEqual([])
  expect((await organisation(stranger.token, 744)).totals).toEqual(none)
})

test('one that is left before its model server told anything counts no tokens: it is a row that was stopped', async () => {
  const { token } = await somebody()
  const leaving = new AbortController()
  const body = { model: MODEL, prompt: 'A word or two, many times. '.repeat(100), stream: true }
  const left = ask(token, 'POST', '/v1/completions', body, leaving.signal)
  const answer = await servers.next()
  leaving.abort()
  await expect(left).rejects.toThrow('aborted')
  await answer.gone
  await expect.poll(() => own(token)).toMatchObject([{ requests: 1, stopped: 1, promptTokens: 0, completionTokens: 0 }])
})

test('an embedding that no model makes is a request that failed', async () => {
  const { token } = await somebody()
  servers.refuse('/v1/embeddings', 404)
  expect((await ask(token, 'POST', '/v1/embeddings', { model: MODEL, input: 'Words' })).status).toBe(501)
  await expect.poll(() => own(token)).toMatchObject([{ model: MODEL, requests: 1, failed: 1 }])
})

test('a row says what kind of request it was, with which key, and which answer', async () => {
  const { user, token } = await somebody()
  const { text: key, key: made } = await cloud.parts.apiKeys.make(
    { userId: user.id, organisationId: user.organisationId, address: '127.0.0.1' },
    { name: 'A script', scopes: ['inference'], expiresAt: null },
  )
  servers.refuse('/v1/embeddings', null)
  const asked = question(MODEL)
  const following = await chatClient(cloud.url, token).ask(asked)
  ;(await servers.next()).finish()
  await following.rest()
  for (const path of ['chat/completions', 'responses', 'completions']) {
    const reply = ask(key, 'POST', `/v1/${path}`, {
      model: MODEL,
      messages: [{ role: 'user', content: 'x' }],
      prompt: 'x',
      input: 'x',
      stream: true,
    })
    const answer = await servers.next()
    if (path !== 'completions') answer.say('x')
    if (path === 'completions') {
      // One that breaks off is a row as well: it says nothing, and so it is asked once more.
      answer.drop()
      ;(await servers.next()).drop()
    } else answer.finish()
    await (await reply).text().catch(() => {})
  }
  type Kept = { kind: string; key: string | null; id: string; ended: string }
  const rows = () =>
    cloud.database.asUser(user.id, tx =>
      tx.query<Kept>('select kind, api_key_id as key, request_id as id, ended from usage where user_id = fusion_user() order by at'),
    )
  await expect.poll(async () => (await rows()).length).toBe(4)
  expect((await rows()).map(({ kind, key: by, ended }) => [kind, by, ended])).toEqual([
    ['chat', null, 'complete'],
    ['chat-completion', made.id, 'complete'],
    ['response', made.id, expect.any(String)],
    ['completion', made.id, 'failed'],
  ])
  expect((await rows())[0]!.id).toBe(asked.answer)
})

test('what the organisation used is shown to those who manage it alone', async () => {
  const member = await cloud.makeUser()
  expect((await ask(await cloud.signIn(member.email), 'GET', '/v1/admin/usage')).status).toBe(403)
  const auditor = await cloud.makeUser({ role: 'auditor' })
  expect((await ask(await cloud.signIn(auditor.email), 'GET', '/v1/admin/usage')).status).toBe(200)
})
