// Servers that fail, at each phase of an answer: a program sees one whole answer, the same as undisturbed, or a typed error and what was made.
import { afterEach, expect, test } from 'vitest'
import type { Fault } from '../../testing/mock-faults.ts'
import { MOCK_MODEL, type MockRequest } from '../../testing/mock-vllm.ts'
import { chatClient, question, textOf } from '../testing/chat-client.ts'
import { type MockPool, startMockPool } from '../testing/mock-pool.ts'

let pool: MockPool | undefined
afterEach(async () => {
  await pool?.close()
  pool = undefined
})

const SHORT = { FUSION_FIRST_TOKEN_SECONDS: '1', FUSION_NEXT_TOKEN_SECONDS: '1' }
const TOKENS = 14
const messages = [{ role: 'user', content: 'Which words follow?' }]
// Without a seed the mock draws the same, and the cloud can't know: so none of these requests shares its answer with another.
const chat = { model: MOCK_MODEL, messages, temperature: 1, max_tokens: TOKENS, ignore_eos: true }
const completion = { model: MOCK_MODEL, prompt: 'Which words', temperature: 1, max_tokens: TOKENS, ignore_eos: true }

interface Chunk {
  id?: string
  object?: string
  model?: string
  choices?: { delta?: { role?: string; content?: string }; text?: string; finish_reason?: string | null; token_ids?: number[] }[]
  usage?: { prompt_tokens: number; completion_tokens: number }
  error?: { code: string; message: string }
}

interface Told {
  status: number
  text: string
  chunks: Chunk[]
  error: string | undefined
  finish: string | undefined
  usage: Chunk['usage']
  done: boolean
}

/** A stream, read to its end. */
async function ask(body: object, path = '/v1/chat/completions'): Promise<Told> {
  const reply = await pool!.post(path, { ...body, stream: true, stream_options: { include_usage: true } })
  const text = await reply.text()
  const data = text.split('\n').filter(line => line.startsWith('data: '))
  const events = data.map(line => line.slice(6)).filter(line => line !== '[DONE]')
  const chunks = (reply.status === 200 ? events : [text]).map(line => JSON.parse(line) as Chunk)
  const usage = chunks.findLast(one => one.usage)?.usage
  return {
    status: reply.status,
    text: chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? choices?.[0]?.text ?? '').join(''),
    chunks,
    error: chunks.find(({ error }) => error)?.error?.code,
    finish: chunks.flatMap(({ choices }) => choices ?? []).findLast(({ finish_reason: reason }) => reason)?.finish_reason ?? undefined,
    usage: usage && { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens },
    done: data.at(-1) === 'data: [DONE]',
  }
}

/** The first server that is asked with `user: "wrong …"` fails as is named there; whoever goes on does not. */
const named =
  (faults: Record<string, Fault>) =>
  ({ body }: MockRequest): Fault | undefined => {
    const name = typeof body['user'] === 'string' ? body['user'] : ''
    const isFirst = !Array.isArray(body['prompt']) && !failed.has(name)
    if (!isFirst || !Object.hasOwn(faults, name)) return undefined
    failed.add(name)
    return faults[name]
  }
const failed = new Set<string>()
afterEach(() => failed.clear())

test.each([
  ['/v1/chat/completions', chat],
  ['/v1/completions', completion],
])('%s: cut off after any number of tokens, the answer is the same as undisturbed', async (path, body) => {
  const faults = Object.fromEntries(Array.from({ length: TOKENS }, (_, at) => [`cut ${at}`, { kind: 'drop', at } satisfies Fault]))
  pool = await startMockPool({ servers: 20, options: () => ({ fault: named(faults) }) })
  const whole = await ask(body, path)
  expect(whole).toMatchObject({ finish: 'length', usage: { completion_tokens: TOKENS }, done: true })
  // Characters of several tokens are in it, so that some cuts lie within one.
  expect(whole.text).toMatch(/[漢→ü🙂]/u)
  const cut = await Promise.all(Object.keys(faults).map(user => ask({ ...body, user }, path)))
  for (const told of cut) {
    expect(told).toMatchObject({ text: whole.text, finish: 'length', usage: whole.usage, done: true, error: undefined })
    // One answer in one shape: its name, its kind, and one beginning.
    expect(new Set(told.chunks.map(({ id, object, model }) => `${id} ${object} ${model}`)).size).toBe(1)
    expect(told.chunks.filter(({ choices }) => choices?.[0]?.delta?.role).length).toBe(path === '/v1/completions' ? 0 : 1)
    expect(told.chunks.some(({ choices }) => choices?.[0]?.token_ids)).toBe(false)
  }
})

test("the app's chat is the same as undisturbed after any number of tokens, with a retry told", async () => {
  const cuts = Array.from({ length: TOKENS }, (_, at) => at)
  let cut: number | undefined
  pool = await startMockPool({
    servers: 20,
    options: () => ({
      fault() {
        const at = cut
        cut = undefined
        return at === undefined ? undefined : { kind: 'drop', at }
      },
    }),
  })
  const client = chatClient(pool.cloud.url, pool.token)
  const answer = async () => {
    const events = await (await client.ask(question(MOCK_MODEL, { sampling: { temperature: 0, maxTokens: TOKENS } }))).rest()
    return { text: textOf(events), types: new Set(events.map(({ event }) => event.type)), last: events.at(-1)!.event }
  }
  const whole = await answer()
  const finish = whole.last as { reason: string; usage: { promptTokens: number; completionTokens: number } }
  const { promptTokens, completionTokens } = finish.usage
  const tokens = { promptTokens, completionTokens }
  for (const at of cuts.slice(0, finish.usage.completionTokens)) {
    cut = at
    const told = await answer()
    expect(told).toMatchObject({ text: whole.text, last: { type: 'generation-finish', reason: finish.reason, usage: tokens } })
    expect(told.types).toContain('request-retry')
  }
})

const phases: [string, Fault][] = [
  ...[0, 5].flatMap(at =>
    (['kill', 'drop', 'hang', 'error', 'garbage', 'half', 'end', 'empty'] as const).map((kind): [string, Fault] => [
      `${kind} after ${at} tokens`,
      { kind, at },
    ]),
  ),
  ...[500, 502, 503, 429].map((status): [string, Fault] => [`status ${status}`, { kind: 'status', status }]),
  ['no answer at all', { kind: 'silent' }],
  ['an answer without an end', { kind: 'endless' }],
  ['bytes one by one', { kind: 'dribble' }],
  ['usage with the last text', { kind: 'usage-with-text' }],
  ['another model', { kind: 'wrong-model' }],
]

test('whatever one server does at whichever phase, the answer is whole and the same', async () => {
  pool = await startMockPool({ servers: 32, options: () => ({ fault: named(Object.fromEntries(phases)) }), env: SHORT })
  const whole = await ask(chat)
  const all = await Promise.all(phases.map(async ([user]) => [user, await ask({ ...chat, user })] as const))
  for (const [what, told] of all)
    expect({ what, ...told }).toMatchObject({ what, text: whole.text, finish: 'length', usage: whole.usage, done: true, error: undefined })
  // Not streamed: the whole is asked for again.
  failed.clear()
  const statuses = phases.filter(([, { kind }]) => kind === 'status' || kind === 'kill')
  for (const [user] of statuses) {
    const reply = await pool.post('/v1/chat/completions', { ...chat, user })
    const { choices } = (await reply.json()) as { choices: { message: { content: string } }[] }
    expect(choices[0]!.message.content).toBe(whole.text)
  }
})

test('every server may break off again and again: what each made is gone on with', async () => {
  pool = await startMockPool({
    servers: 8,
    options: () => ({ fault: ({ body }) => (body['user'] === 'calm' ? undefined : { kind: 'drop', at: 3 }) }),
  })
  const whole = await ask({ ...chat, user: 'calm' })
  expect(await ask(chat)).toMatchObject({ text: whole.text, usage: whole.usage, done: true })
  expect(pool.mocks.reduce((sum, { asked }) => sum + asked.length, 0)).toBeGreaterThanOrEqual(5)
})

test('a whole answer whose tokens are not told is begun anew where its server breaks off: nothing of it was told', async () => {
  pool = await startMockPool({ servers: 2, options: () => ({ shape: { stepMs: 2 }, fault: named({ blind: { kind: 'no-token-ids' } }) }) })
  const body = { ...chat, max_tokens: 300 }
  const answering = pool.post('/v1/chat/completions', { ...body, user: 'blind' })
  await expect.poll(() => pool!.mocks.some(({ engine }) => engine.figures.madeTokens > 5)).toBe(true)
  pool.mocks.find(({ engine }) => engine.running() > 0)!.kill()
  const reply = await answering
  expect(reply.status).toBe(200)
  const undisturbed = await ask(body)
  expect(await reply.json()).toMatchObject({ choices: [{ message: { content: undisturbed.text } }], usage: undisturbed.usage })
})

const whole = [{ n: 2 }, { tools: [{ type: 'function', function: { name: 'look' } }] }, { logprobs: true }]
test.each(whole)('a whole answer that can only come as such, as with %j, is asked of another server where one hangs', async more => {
  pool = await startMockPool({ servers: 2, env: SHORT })
  const { mocks } = pool
  const goOn = mocks.map(mock => mock.pause())
  const reply = pool.post('/v1/chat/completions', { ...chat, ...more })
  await expect.poll(() => mocks.some(({ asked }) => asked.length > 0)).toBe(true)
  goOn[mocks.findIndex(({ asked }) => asked.length === 0)]!()
  expect((await reply).status).toBe(200)
  expect(mocks.map(({ asked }) => asked.length)).toEqual([1, 1])
  for (const one of goOn) one()
})

test('a whole answer may take longer than any token, where its server is well', async () => {
  pool = await startMockPool({ servers: 2, env: SHORT, options: () => ({ shape: { stepMs: 300 } }) })
  const reply = await pool.post('/v1/chat/completions', { ...chat, n: 2 })
  expect(reply.status).toBe(200)
  expect(pool.mocks.flatMap(({ asked }) => asked)).toHaveLength(1)
})

test('a server that tells no tokens is not gone on with: an error in words, after what was made', async () => {
  pool = await startMockPool({ servers: 2, options: () => ({ fault: named({ blind: { kind: 'no-token-ids' } }) }) })
  const answering = ask({ ...chat, user: 'blind', max_tokens: 3000 })
  await expect.poll(() => pool!.mocks.some(({ engine }) => engine.figures.madeTokens > 5)).toBe(true)
  for (const mock of pool.mocks) if (mock.engine.running() > 0) mock.kill()
  const told = await answering
  expect(told).toMatchObject({ status: 200, error: 'model_server_lost', done: false })
  expect(told.text.length).toBeGreaterThan(0)
})

test('a request that breaks every server takes two of them at most', async () => {
  pool = await startMockPool({ servers: 5, options: () => ({ fault: poison }) })
  expect(await ask({ ...chat, user: 'poison' })).toMatchObject({ status: 502, error: 'model_server_lost' })
  expect(pool.mocks.filter(mock => !mock.isUp())).toHaveLength(2)
  expect(await ask(chat)).toMatchObject({ status: 200, done: true })
})

test.each([1, 3, 40])(
  'a request that kills every server after %i tokens takes three of them at most, and what was made is told',
  async at => {
    const fault = ({ body }: MockRequest): Fault | undefined => (body['user'] === 'poison' ? { kind: 'kill', at } : undefined)
    pool = await startMockPool({ servers: 8, options: () => ({ fault }) })
    const told = await ask({ ...chat, user: 'poison', max_tokens: 1000 })
    expect(told).toMatchObject({ status: 200, error: 'model_server_lost', done: false })
    expect(told.text.length).toBeGreaterThan(0)
    expect(pool.mocks.filter(mock => !mock.isUp())).toHaveLength(3)
    expect(await ask(chat)).toMatchObject({ status: 200, done: true })
  },
)

test('a request whose first server broke before a token, and the others after some, takes three of them, too', async () => {
  let count = 0
  const fault = ({ body }: MockRequest): Fault | undefined =>
    body['user'] === 'poison' ? { kind: 'kill', at: count++ === 0 ? 0 : 3 } : undefined
  pool = await startMockPool({ servers: 6, options: () => ({ fault }) })
  expect(await ask({ ...chat, user: 'poison' })).toMatchObject({ error: 'model_server_lost', done: false })
  expect(pool.mocks.filter(mock => !mock.isUp())).toHaveLength(3)
})

test('a long answer whose servers are killed one after the other, each when it made much of it, is the same as undisturbed', async () => {
  const fault = ({ body }: MockRequest): Fault | undefined => (body['user'] === 'calm' ? undefined : { kind: 'kill', at: 80 })
  pool = await startMockPool({ servers: 7, options: () => ({ fault }) })
  const whole = await ask({ ...chat, user: 'calm', max_tokens: 450 })
  expect(await ask({ ...chat, max_tokens: 450 })).toMatchObject({ text: whole.text, usage: whole.usage, done: true, error: undefined })
  expect(pool.mocks.filter(mock => !mock.isUp()).length).toBeGreaterThanOrEqual(5)
})
const poison = ({ body }: MockRequest): Fault | undefined => (body['user'] === 'poison' ? { kind: 'kill', at: 0 } : undefined)

test('with half of the pool going up and down, all are answered', async () => {
  pool = await startMockPool({ servers: 4, options: () => ({ shape: { stepMs: 2 } }) })
  const whole = await ask(chat)
  const { mocks } = pool
  const calm = new AbortController()
  const flap = (async () => {
    for (let round = 0; !calm.signal.aborted; round++) {
      const mock = mocks[round % 2]!
      mock.kill()
      await new Promise(resolve => setTimeout(resolve, 40))
      await mock.start()
      await new Promise(resolve => setTimeout(resolve, 40))
    }
  })()
  const answers = []
  for (let round = 0; round < 12; round++) answers.push(...(await Promise.all(Array.from({ length: 8 }, () => ask(chat)))))
  calm.abort()
  await flap
  for (const told of answers) expect(told).toMatchObject({ text: whole.text, usage: whole.usage, done: true })
})

test('where all servers are down it is said with a time to try again, and the first that is back answers', async () => {
  pool = await startMockPool({ servers: 2 })
  for (const mock of pool.mocks) mock.kill()
  const reply = await pool.post('/v1/chat/completions', { ...chat, stream: true })
  expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '2'])
  expect(((await reply.json()) as Chunk).error?.code).toBe('model_servers_down')
  const waiting = ask(chat)
  await pool.mocks[1]!.start()
  expect(await waiting).toMatchObject({ status: 200, done: true })
})

test('a burst of 500 over servers that are alike is spread within twice of even', async () => {
  pool = await startMockPool({ servers: 8, options: () => ({ shape: { stepMs: 5 } }) })
  const told = await Promise.all(Array.from({ length: 500 }, () => ask({ ...chat, max_tokens: 2 })))
  expect(told.every(({ done }) => done)).toBe(true)
  const counts = pool.mocks.map(({ asked }) => asked.length)
  expect(counts.reduce((sum, count) => sum + count)).toBe(500)
  expect(Math.max(...counts)).toBeLessThanOrEqual((2 * 500) / 8)
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(500 / 8 / 2)
})

test('a cancel reaches the model server within a second', async () => {
  pool = await startMockPool({ servers: 1, options: () => ({ shape: { stepMs: 20 } }) })
  const { engine } = pool.mocks[0]!
  const leaving = new AbortController()
  const reply = await pool.post('/v1/chat/completions', { ...chat, max_tokens: 3000, stream: true }, leaving.signal)
  await reply.body!.getReader().read()
  expect(engine.running()).toBe(1)
  leaving.abort()
  await expect.poll(() => engine.running(), { timeout: 1_000, interval: 20 }).toBe(0)
  // One that waits for its first token, and is not streamed.
  const other = new AbortController()
  const waiting = pool.post('/v1/chat/completions', { ...chat, max_tokens: 3000 }, other.signal)
  await expect.poll(() => engine.running()).toBe(1)
  other.abort()
  await expect(waiting).rejects.toThrow('aborted')
  await expect.poll(() => engine.running(), { timeout: 1_000, interval: 20 }).toBe(0)
})

test('what the server refuses of a request is told in its words and asked of nobody else', async () => {
  pool = await startMockPool({ servers: 3 })
  const told = await ask({ ...chat, messages: [{ role: 'user', content: 'x'.repeat(5000) }] })
  expect(told.status).toBe(400)
  expect(told.chunks[0]!.error!.message).toContain('maximum context length is 4096 tokens')
  expect(pool.cloud.parts.models.servers().every(({ up }) => up)).toBe(true)
})
