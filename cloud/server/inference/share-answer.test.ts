// Requests for the very same: made once where they come together, told again where they say so, and never across tenants.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MockVllm, MOCK_MODEL, startMockVllm } from '../../testing/mock-vllm.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from '../cache/testing/test-redis.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { answerKey, isDeterministic } from './share-answer.ts'

const asked = {
  model: MOCK_MODEL,
  messages: [{ role: 'user', content: 'Which words follow?' }],
  temperature: 0,
  max_tokens: 40,
  ignore_eos: true,
}

interface Told {
  status: number
  text: string
  cache: string | null
  tokens: number | undefined
}

async function ask(
  cloud: TestCloud,
  token: string,
  more: object = {},
  { keep, signal }: { keep?: string; signal?: AbortSignal } = {},
): Promise<Told> {
  const body: Record<string, unknown> = { ...asked, ...more }
  const reply = await fetch(`${cloud.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(keep !== undefined && { 'x-fusion-cache': keep }),
    },
    body: JSON.stringify(body['stream'] ? { ...body, stream_options: { include_usage: true } } : body),
    ...(signal && { signal }),
  })
  const text = await reply.text()
  type Chunk = { choices: { delta?: { content?: string }; message?: { content: string } }[]; usage?: { completion_tokens: number } | null }
  const chunks = (body['stream'] ? text.split('\n').filter(line => line.startsWith('data: {')) : [`data: ${text}`]).map(
    line => JSON.parse(line.slice(6)) as Chunk,
  )
  return {
    status: reply.status,
    text: chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? choices?.[0]?.message?.content ?? '').join(''),
    cache: reply.headers.get('x-fusion-cache'),
    tokens: chunks.findLast(({ usage }) => usage)?.usage?.completion_tokens,
  }
}

let mock: MockVllm
/** Those of one cloud; its first two share a Redis, where there is one. */
const clouds: TestCloud[] = []
let redis: TestRedis | undefined
async function start(withRedis: boolean): Promise<void> {
  mock = await startMockVllm({ shape: { stepMs: 5 } })
  redis = withRedis ? await startRedis() : undefined
  const env = {
    MODEL_SERVERS: JSON.stringify([{ url: mock.url }]),
    MODELS: JSON.stringify([{ model: MOCK_MODEL, promptPrice: 1, completionPrice: 1 }]),
    FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
    FUSION_CLOUD_URL: 'http://cloud.example',
    ...(redis && { REDIS_URL: redis.url }),
  }
  const first = await startTestCloud({ env })
  clouds.push(first)
  if (redis) clouds.push(await startTestCloud({ env: { ...env, DATABASE_URL: first.databaseUrl } }))
  for (const { parts } of clouds) await parts.models.looked
}
async function stop(): Promise<void> {
  for (const cloud of clouds.splice(0).toReversed()) await cloud.close()
  await mock.close()
  await redis?.close()
}

const kinds: [string, boolean][] = [['in this process', false]]
if (!skipWithoutRedis) kinds.push(['in Redis, of two servers', true])
describe.each(kinds)('%s', (_name, withRedis) => {
  let user: { id: string; email: string }
  let token: string
  let other: string
  beforeAll(() => start(withRedis))
  afterAll(stop)
  beforeEach(async () => {
    mock.asked.length = 0
    user = await clouds[0]!.makeUser()
    token = await clouds[0]!.signIn(user.email)
    other = await clouds[0]!.signIn((await clouds[0]!.makeUser()).email)
  })
  /** Requests for answers that have not ended, of all servers. */
  async function inFlight(): Promise<number> {
    const texts = await Promise.all(clouds.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()))
    // The one that asks is one, too.
    return texts.reduce((sum, text) => sum + Number(/^fusion_requests_in_flight (\d+)/m.exec(text)![1]) - 1, 0)
  }
  const at = (index: number) => clouds[index % clouds.length]!

  test('those that come together have one answer, streamed or whole; each is a row, and one of them costs', async () => {
    const goOn = mock.pause()
    const asking = Array.from({ length: 12 }, (_, index) => ask(at(index), token, { stream: index % 3 !== 0 }))
    await expect.poll(inFlight).toBe(12)
    goOn()
    const all = await Promise.all(asking)
    expect(mock.asked).toHaveLength(1)
    expect(new Set(all.map(({ text }) => text)).size).toBe(1)
    expect(all[0]!.text.length).toBeGreaterThan(50)
    expect(all.every(({ status, tokens }) => status === 200 && tokens === 40)).toBe(true)
    const rows = () =>
      clouds[0]!.database.asUser(user.id, tx =>
        tx.query<{ source: string; made: number; free: boolean }>(
          'select source, completion_tokens as made, cost = 0 as free from usage where user_id = fusion_user() order by source',
        ),
      )
    await expect.poll(async () => (await rows()).length).toBe(12)
    expect((await rows()).map(({ source, made, free }) => [source, made, free])).toEqual([
      ['model', 40, false],
      ...Array.from({ length: 11 }, () => ['shared', 40, true]),
    ])
    // Nothing was kept for later.
    await ask(at(0), token)
    expect(mock.asked).toHaveLength(2)
  })

  test('nothing is shared with others, nor where the answer may be another', async () => {
    await Promise.all([
      ask(at(0), token),
      ask(at(1), other),
      ask(at(0), token, { max_tokens: 41 }),
      ask(at(1), token, { temperature: 0.7 }),
      ask(at(0), token, { temperature: 0.7 }),
    ])
    expect(mock.asked).toHaveLength(5)
  })

  test('where the one that it is made for leaves, those who follow go on from there', async () => {
    const leaving = new AbortController()
    const before = mock.engine.figures.madeTokens
    const first = ask(at(0), token, { stream: true, max_tokens: 200 }, { signal: leaving.signal })
    await expect.poll(() => mock.engine.running()).toBe(1)
    const following = [ask(at(1), token, { stream: true, max_tokens: 200 }), ask(at(0), token, { max_tokens: 200 })]
    await expect.poll(() => mock.engine.figures.madeTokens - before).toBeGreaterThan(20)
    leaving.abort()
    await expect(first).rejects.toThrow('aborted')
    const told = await Promise.all(following)
    const whole = await ask(at(0), token, { max_tokens: 200, top_k: 1 })
    for (const one of told) expect(one).toMatchObject({ status: 200, text: whole.text, tokens: 200 })
  })

  test('a whole answer is kept where a request says so, for whoever says so, until it is forgotten', async () => {
    expect(await ask(at(0), token, {}, { keep: '60' })).toMatchObject({ cache: 'miss' })
    const told = await ask(at(1), token, { stream: true }, { keep: '60' })
    expect(told).toMatchObject({ cache: 'hit', tokens: 40 })
    expect(mock.asked).toHaveLength(1)
    expect((await ask(at(0), token)).cache).toBeNull()
    expect(await ask(at(0), other, {}, { keep: '60' })).toMatchObject({ cache: 'miss' })
    expect(mock.asked).toHaveLength(3)
    const seeded = { temperature: 0.7, seed: 5 }
    await ask(at(0), token, seeded, { keep: '60' })
    expect(await ask(at(1), token, seeded, { keep: '60' })).toMatchObject({ cache: 'hit' })
    expect(await ask(at(0), token, {}, { keep: 'long' })).toMatchObject({ status: 400 })

    const admin = await clouds[0]!.signIn()
    const forget = await fetch(`${at(1).url}/v1/admin/cached-answers`, { method: 'DELETE', headers: { authorization: `Bearer ${admin}` } })
    expect(await forget.json()).toEqual({ forgotten: 3 })
    expect(await ask(at(0), token, {}, { keep: '60' })).toMatchObject({ cache: 'miss' })
  })

  test.runIf(withRedis)('with Redis gone in the middle, whoever follows goes on by itself', async () => {
    const first = ask(at(0), token, { stream: true, max_tokens: 300 })
    await expect.poll(() => mock.engine.running()).toBe(1)
    const following = ask(at(1), token, { stream: true, max_tokens: 300 })
    await expect.poll(() => clouds.map(({ parts }) => parts.redis?.state())).toEqual(['connected', 'connected'])
    await redis!.kill()
    const [one, two] = await Promise.all([first, following])
    expect(two).toEqual(one)
    await redis!.start()
    await expect.poll(() => clouds.map(({ parts }) => parts.redis?.state())).toEqual(['connected', 'connected'])
  })
})

describe('the key of a request', () => {
  test('is of all that an answer depends on, in whichever order it is written', () => {
    const key = (more: object) => answerKey('/v1/chat/completions', { ...asked, cache_salt: 'ada', ...more })
    const { model, ...rest } = { ...asked, cache_salt: 'ada' }
    expect(answerKey('/v1/chat/completions', { ...rest, model })).toBe(key({}))
    expect(key({ stream: true, user: 'x', service_tier: 'flex' })).toBe(key({}))
    for (const more of [{ cache_salt: 'ben' }, { max_tokens: 1 }, { messages: [] }, { unheard_of: 1 }, { seed: 1 }])
      expect(key(more)).not.toBe(key({}))
    expect(answerKey('/v1/completions', { ...asked, cache_salt: 'ada' })).not.toBe(key({}))
  })
  test('is asked for where the same request has the same answer', () => {
    expect([{ temperature: 0 }, { seed: 1 }, { seed: 0, temperature: 1 }].every(isDeterministic)).toBe(true)
    expect([{}, { temperature: 1 }, { temperature: 0, n: 2 }, { seed: null }].some(isDeterministic)).toBe(false)
  })
})
