import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { chatClient, type ChatClient, question, textOf } from '../testing/chat-client.ts'
import { MODEL, PROMPT_TOKENS, type ScriptedServer, startScriptedServer, WINDOW } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let servers: ScriptedServer
let cloud: TestCloud
let client: ChatClient
let promptTokens = PROMPT_TOKENS

/** What several servers of one cloud have in common. */
const shared = () => ({
  MODEL_SERVERS: JSON.stringify([{ url: servers.url }]),
  FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
  FUSION_CLOUD_URL: 'http://cloud.example',
})

beforeAll(async () => {
  servers = await startScriptedServer({ tokens: () => promptTokens })
  cloud = await startTestCloud({ env: shared() })
  await cloud.parts.models.looked
  client = chatClient(cloud.url, await cloud.signIn())
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})

// One that broke off is left alone until it is seen to answer again.
beforeEach(() => expect.poll(() => cloud.parts.models.servers()[0]!.up).toBe(true))

test('an answer comes as events with ids in order, from its start to its end, with the tokens that the server counted', async () => {
  const request = question(MODEL, { sampling: { temperature: 0.5, maxTokens: 50, topP: 0.9 } })
  const following = await client.ask(request)
  expect(await following.next()).toEqual({
    seq: 1,
    event: { type: 'generation-start', generation: request.answer, model: MODEL, modelName: MODEL },
  })
  const answer = await servers.next()
  expect(answer.body).toMatchObject({
    model: MODEL,
    messages: [{ role: 'user', content: 'What is Fusion?' }],
    temperature: 0.5,
    top_p: 0.9,
    max_tokens: 50,
    stream: true,
    stream_options: { include_usage: true },
  })
  for (const word of ['Fusion ', 'is ', 'one app.']) answer.say(word)
  answer.finish()
  const rest = await following.rest()
  expect(rest.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6])
  expect(rest[0]!.event).toEqual({
    type: 'prompt-count',
    promptTokens: PROMPT_TOKENS,
    windowTokens: WINDOW,
    leftOut: { messages: 0, tokens: 0 },
  })
  expect(textOf(rest)).toBe('Fusion is one app.')
  expect(rest.at(-1)!.event).toMatchObject({
    type: 'generation-finish',
    reason: 'stop',
    usage: { promptTokens: PROMPT_TOKENS, cachedTokens: 0, completionTokens: 3 },
  })
})

test('an answer goes on when its client vanishes, and can be had from every event on, without loss or doubling', async () => {
  const request = question(MODEL)
  const following = await client.ask(request)
  const answer = await servers.next()
  answer.say('one ')
  await following.next()
  following.leave()
  for (const word of ['two ', 'three ', 'four']) answer.say(word)
  answer.finish()
  const whole = await (await client.resume(request.answer, 0)).rest()
  expect(textOf(whole)).toBe('one two three four')
  for (let after = 0; after <= whole.length; after++) {
    expect(await (await client.resume(request.answer, after)).rest()).toEqual(whole.slice(after))
    expect(await (await client.ask(request, after)).rest()).toEqual(whole.slice(after))
  }
})

test('the same request again is the same answer; another under its id is refused', async () => {
  const request = question(MODEL)
  const [one, two] = await Promise.all([client.ask(request), client.ask(request)])
  const answer = await servers.next()
  answer.say('once')
  answer.finish()
  const [first, second] = [await one.rest(), await two.rest()]
  expect(second).toEqual(first)
  expect(textOf(first)).toBe('once')
  expect((await client.ask({ ...request, model: 'another' })).status).toBe(422)
})

test('a cancel ends the request to the model server, and what was made stands', async () => {
  const request = question(MODEL)
  const following = await client.ask(request)
  const answer = await servers.next()
  answer.say('begun')
  await following.until(({ type }) => type === 'text-delta')
  expect((await client.call('POST', `/v1/generations/${request.answer}/cancel`)).status).toBe(200)
  await answer.gone
  const rest = await following.rest()
  expect(rest).toEqual([
    { seq: 4, event: { type: 'generation-stop', usage: { promptTokens: PROMPT_TOKENS, cachedTokens: 0, completionTokens: 1 } } },
  ])
  await expect
    .poll(async () => (await (await client.call('GET', `/v1/generations/${request.answer}`)).json()) as object)
    .toMatchObject({ at: 'stopped', seq: 4 })
})

test('another server on the same database follows, and cancels, what this one makes', async () => {
  const other = await startTestCloud({ env: { ...shared(), DATABASE_URL: cloud.databaseUrl } })
  try {
    const token = await cloud.signIn()
    const elsewhere = chatClient(other.url, token)
    const request = question(MODEL)
    await client.ask(request)
    const answer = await servers.next()
    answer.say('here ')
    const following = await elsewhere.resume(request.answer, 0)
    answer.say('and there')
    const seen = await following.until(event => event.type === 'text-delta' && event.text === 'and there')
    expect((await elsewhere.call('POST', `/v1/generations/${request.answer}/cancel`)).status).toBe(200)
    await answer.gone
    const rest = await following.rest()
    expect(rest.at(-1)!.event.type).toBe('generation-stop')
    expect([...seen, ...rest].map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  } finally {
    await other.close()
  }
})

test('a prompt that the window does not hold is refused with its exact count, and nothing is cut', async () => {
  promptTokens = WINDOW
  const events = await (await client.ask(question(MODEL))).rest()
  promptTokens = PROMPT_TOKENS
  expect(events.at(-1)!.event).toMatchObject({
    type: 'generation-fail',
    failure: { code: 'prompt-too-long', detail: { tokens: WINDOW, window: WINDOW } },
  })
})

test('a server that breaks off before the first word is asked again, once', async () => {
  const following = await client.ask(question(MODEL))
  ;(await servers.next()).drop()
  const answer = await servers.next()
  answer.say('whole')
  answer.finish()
  const events = await following.rest()
  expect(events.map(({ event }) => event.type)).toEqual([
    'generation-start',
    'prompt-count',
    'request-retry',
    'text-delta',
    'generation-finish',
  ])
})

test('a server that breaks off after a word: what was made is kept, and the answer says so', async () => {
  const following = await client.ask(question(MODEL))
  const answer = await servers.next()
  answer.say('half')
  await following.until(({ type }) => type === 'text-delta')
  answer.drop()
  const [last] = await following.rest()
  expect(last!.event).toMatchObject({ type: 'generation-fail', failure: { code: 'model-server-lost' }, usage: { completionTokens: 1 } })
})

test('garbage from a model server ends the answer in words, and shows nothing of it', async () => {
  const following = await client.ask(question(MODEL))
  const answer = await servers.next()
  answer.say('good')
  answer.raw('data: {"choices": "Traceback in /opt/secret/place"}\n\n')
  const events = await following.rest()
  expect(events.at(-1)!.event).toMatchObject({ type: 'generation-fail', failure: { code: 'model-server-lost' } })
  expect(JSON.stringify(events)).not.toContain('secret')
})

test("nobody sees, follows or cancels another's answer, and an unknown one is not found", async () => {
  const request = question(MODEL)
  await client.ask(request)
  const answer = await servers.next()
  const stranger = chatClient(cloud.url, await cloud.signIn('stranger@example.org'))
  for (const id of [request.answer, newId()]) {
    expect((await stranger.call('GET', `/v1/generations/${id}`)).status).toBe(404)
    expect((await stranger.resume(id, 0)).status).toBe(404)
    expect((await stranger.call('POST', `/v1/generations/${id}/cancel`)).status).toBe(404)
  }
  answer.finish()
})

test('a server that drains sends its followers elsewhere, where the answer goes on, nothing lost or doubled', async () => {
  const leaving = await startTestCloud({ env: { ...shared(), DATABASE_URL: cloud.databaseUrl } })
  await leaving.parts.models.looked
  const token = await cloud.signIn()
  const request = question(MODEL)
  const following = await chatClient(leaving.url, token).ask(request)
  const answer = await servers.next()
  answer.say('one ')
  const seen = await following.until(({ type }) => type === 'text-delta')
  const closing = leaving.close()
  const [told] = await following.rest()
  expect(told).toEqual({ seq: 0, event: { type: 'server-drain' } })
  const resumed = await chatClient(cloud.url, token).resume(request.answer, seen.at(-1)!.seq)
  answer.say('two')
  answer.finish()
  const rest = await resumed.rest()
  expect(textOf([...seen, ...rest])).toBe('one two')
  expect([...seen, ...rest].map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  await closing
})

test('a model that is not there is told, and its name stands in no figure', async () => {
  const events = await (await client.ask(question('whatever-somebody-wrote'))).rest()
  expect(events.at(-1)!.event).toMatchObject({ type: 'generation-fail', failure: { code: 'cloud-model-unknown' } })
  const figures = async () => (await fetch(`${cloud.url}/metrics`)).text()
  await expect.poll(figures).toContain('fusion_generations_total{model="none",end="failed"}')
  expect(await figures()).not.toContain('whatever-somebody-wrote')
})
