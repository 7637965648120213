// Full servers: who waits, who comes first, who is told at once that it makes no sense; and the reply meanwhile.
import { afterEach, expect, test } from 'vitest'
import { MOCK_MODEL } from '../../testing/mock-vllm.ts'
import { chatClient, question } from '../testing/chat-client.ts'
import { type MockPool, startMockPool } from '../testing/mock-pool.ts'

let pool: MockPool | undefined
afterEach(async () => {
  await pool?.close()
  pool = undefined
})

const asked = (user: string, more: object = {}) => ({
  model: MOCK_MODEL,
  messages: [{ role: 'user', content: 'Which words follow?' }],
  max_tokens: 20,
  ignore_eos: true,
  user,
  ...more,
})
const post = (body: object, signal?: AbortSignal) => pool!.post('/v1/chat/completions', body, signal)
const order = () => pool!.mocks[0]!.asked.map(({ body }) => body['user'])

/** One server with one seat, which somebody has for a while. */
async function startFull(env: Record<string, string> = {}): Promise<{ first: Promise<Response> }> {
  pool = await startMockPool({ servers: 1, slots: 1, options: () => ({ shape: { stepMs: 20 } }), env })
  const first = post(asked('first'))
  await expect.poll(() => pool!.mocks[0]!.engine.running()).toBe(1)
  return { first }
}

test('a chat is told how many are before it, and has its turn', async () => {
  await startFull()
  const others = ['other 1', 'other 2'].map(user => post(asked(user)))
  await expect.poll(() => pool!.cloud.parts.models.waiting(MOCK_MODEL)).toBe(2)
  const client = chatClient(pool!.cloud.url, await pool!.cloud.signIn('ada@example.org'))
  const events = await (await client.ask(question(MOCK_MODEL, { sampling: { maxTokens: 2 } }))).rest()
  const places = events.flatMap(({ event }) => (event.type === 'queue-wait' ? [event.ahead] : []))
  // Behind the first of the other person, and not behind all that this one has sent.
  expect(places[0]).toBe(1)
  expect(places.at(-1)).toBe(0)
  expect(events.at(-1)!.event.type).toBe('generation-finish')
  await Promise.all(others)
})

test('people come before what may wait, though it came first', async () => {
  const { first } = await startFull()
  // One after the other: of two that are sent at once, either may arrive first.
  const batch: Promise<Response>[] = []
  for (const user of ['batch 1', 'batch 2']) {
    batch.push(post(asked(user, { service_tier: 'flex' })))
    await expect.poll(() => pool!.cloud.parts.models.waiting(MOCK_MODEL)).toBe(batch.length)
  }
  const person = post(asked('person'))
  await Promise.all([first, ...batch, person])
  expect(order()).toEqual(['first', 'person', 'batch 1', 'batch 2'])
})

test('many keys of one person are no more turns than the one of another', async () => {
  const { first } = await startFull()
  const { cloud, mocks } = pool!
  const keyOf = async (userId: string) => {
    const by = { userId, organisationId: cloud.organisation.id, address: '127.0.0.1' }
    return (await cloud.parts.apiKeys.make(by, { name: 'A script', scopes: ['inference'], expiresAt: null })).text
  }
  const [many, one] = [await cloud.makeUser(), await cloud.makeUser()]
  const asking: Promise<Response>[] = []
  async function ask(key: string, user: string): Promise<void> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    asking.push(fetch(`${cloud.url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(asked(user)) }))
    await expect.poll(() => cloud.parts.models.waiting(MOCK_MODEL)).toBe(asking.length)
  }
  const goOn = mocks[0]!.pause()
  for (let key = 1; key <= 4; key++) await ask(await keyOf(many.id), `many ${key}`)
  const key = await keyOf(one.id)
  for (const user of ['one 1', 'one 2']) await ask(key, user)
  goOn()
  await Promise.all([first, ...asking])
  expect(order()).toEqual(['first', 'many 1', 'one 1', 'many 2', 'one 2', 'many 3', 'many 4'])
})

test('one that can not have its turn in time is refused at once, with the time after which to try again', async () => {
  await (
    await startFull({ FUSION_QUEUE_SECONDS: '1' })
  ).first
  // By now it is known how long an answer takes: some 0.4 s.
  const many = Array.from({ length: 8 }, (_, index) => post(asked(`many ${index}`)))
  const replies = await Promise.all(many)
  const refused = replies.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(2)
  expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(1)
  const [one] = refused
  expect(Number(one!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await one!.json()).toMatchObject({
    error: { code: 'rate_limit_exceeded', message: expect.stringContaining('More is being asked') },
  })
})

test('whoever leaves the line is never sent to a server', async () => {
  const { first } = await startFull()
  const leaving = new AbortController()
  const left = post(asked('left'), leaving.signal)
  await expect.poll(() => pool!.cloud.parts.models.waiting(MOCK_MODEL)).toBe(1)
  leaving.abort()
  await expect(left).rejects.toThrow('aborted')
  await expect.poll(() => pool!.cloud.parts.models.waiting(MOCK_MODEL)).toBe(0)
  await first
  expect((await post(asked('next'))).status).toBe(200)
  expect(order()).toEqual(['first', 'next'])
})

test('a cloud that ends ends those who wait, and is held up by none of them', async () => {
  pool = await startMockPool({ servers: 1, slots: 1, options: () => ({ fault: () => ({ kind: 'silent' }) }) })
  const asking = ['has the seat', 'waits'].map(user => post(asked(user)).catch((error: unknown) => error))
  await expect.poll(() => pool!.cloud.parts.models.waiting(MOCK_MODEL)).toBe(1)
  await pool.cloud.parts.models.close()
  for (const reply of await Promise.all(asking)) expect((reply as Response).status).toBeGreaterThanOrEqual(500)
})

test('headers wait for the first token, or five seconds; then comments come, and an error as an event', async () => {
  pool = await startMockPool({
    servers: 1,
    options: () => ({ fault: () => ({ kind: 'silent' }) }),
  })
  const before = performance.now()
  const reply = await post(asked('waits', { stream: true }))
  expect(performance.now() - before).toBeGreaterThan(4_500)
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  pool.mocks[0]!.kill()
  const text = await reply.text()
  expect(text).toMatch(/^: waiting\n\n/)
  expect(text).toMatch(/data: \{"error":\{[^\n]*"code":"model_server(?:s_down|_lost)"/)
  expect(text).not.toContain('[DONE]')
})
