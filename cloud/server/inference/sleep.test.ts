// Models that sleep, or have no server at all, until somebody asks.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type MockVllm, MOCK_MODEL, startMockVllm } from '../../testing/mock-vllm.ts'
import { chatClient, question, textOf } from '../testing/chat-client.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function start(env: Record<string, string>): Promise<TestCloud> {
  const cloud = await startTestCloud({ env })
  closing.push(cloud.close)
  await cloud.parts.models.looked
  return cloud
}
async function mocked(options: Parameters<typeof startMockVllm>[0] = {}): Promise<MockVllm> {
  const mock = await startMockVllm(options)
  closing.push(mock.close)
  return mock
}
const tell = (mock: MockVllm, path: string) => fetch(mock.url + path, { method: 'POST' })
const stateOf = (cloud: TestCloud) => cloud.parts.models.list()[0]?.fusion.state
const types = async (cloud: TestCloud) => {
  const events = await (await chatClient(cloud.url, await cloud.signIn()).ask(question(MOCK_MODEL, { sampling: { maxTokens: 8 } }))).rest()
  return { types: events.map(({ event }) => event.type).filter(type => type !== 'text-delta'), text: textOf(events) }
}

test('a model that sleeps is woken by the first who asks, which is told, and warmed up before anybody is sent to it', async () => {
  const mock = await mocked({ wakeMs: 200 })
  await tell(mock, '/sleep?level=1')
  const cloud = await start({ MODEL_SERVERS: JSON.stringify([{ url: mock.url, sleepAfterSeconds: 3600 }]) })
  expect(stateOf(cloud)).toBe('asleep')
  const [one, other] = await Promise.all([types(cloud), types(cloud)])
  for (const told of [one, other]) {
    expect(told.types.slice(0, 2)).toEqual(['generation-start', 'model-wake'])
    expect(told.types.at(-1)).toBe('generation-finish')
    expect(told.text).not.toBe('')
  }
  expect(mock.isAsleep()).toBe(false)
  expect(stateOf(cloud)).toBe('ready')
  // What it was warmed up with came first.
  expect(mock.asked[0]!.body['prompt']).toMatch(/^Hi Hi /)
})

test('one that nobody asks for a while is put to sleep, and not while it is at work', async () => {
  const mock = await mocked({ shape: { stepMs: 20 } })
  const cloud = await start({ MODEL_SERVERS: JSON.stringify([{ url: mock.url, sleepAfterSeconds: 10 }]) })
  const asking = chatClient(cloud.url, await cloud.signIn()).ask(question(MOCK_MODEL, { sampling: { maxTokens: 8 } }))
  await (await asking).rest()
  expect(mock.isAsleep()).toBe(false)
  await expect.poll(() => mock.isAsleep(), { timeout: 20_000 }).toBe(true)
  await expect.poll(() => stateOf(cloud)).toBe('asleep')
  expect((await types(cloud)).types).toContain('model-wake')
})

test('where those that are awake are full, one more is woken', async () => {
  const [awake, asleep] = [await mocked({ shape: { stepMs: 30 } }), await mocked({ wakeMs: 50 })]
  await tell(asleep, '/sleep?level=1')
  const servers = [awake, asleep].map(({ url }) => ({ url, slots: 1, sleepAfterSeconds: 3600 }))
  const cloud = await start({ MODEL_SERVERS: JSON.stringify(servers) })
  const token = await cloud.signIn()
  const ask = async (most: number) => {
    const body = { model: MOCK_MODEL, messages: [{ role: 'user', content: 'Words?' }], max_tokens: most, ignore_eos: true }
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    return (await fetch(`${cloud.url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  const long = ask(100)
  await expect.poll(() => awake.engine.running()).toBe(1)
  expect(await ask(2)).toBe(200)
  expect(asleep.isAsleep()).toBe(false)
  expect(await long).toBe(200)
})

test('a model without any server is listed as asleep, and called back by the first who asks', async () => {
  const mock = await mocked()
  const called: unknown[] = []
  let back: (() => void) | undefined
  const caller = createServer((request, response) => void hear(request, response))
  async function hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const data of request.setEncoding('utf8')) text += data
    called.push(JSON.parse(text))
    response.end()
    back?.()
  }
  caller.listen(0, '127.0.0.1')
  await once(caller, 'listening')
  closing.push(() => caller.close())
  const wakeUrl = `http://127.0.0.1:${(caller.address() as AddressInfo).port}/scale`
  const cloud = await start({
    MODEL_SERVERS: JSON.stringify([{ url: 'http://127.0.0.1:9' }]),
    MODELS: JSON.stringify([{ model: MOCK_MODEL, wakeUrl }]),
  })
  expect(stateOf(cloud)).toBe('asleep')
  back = () => setTimeout(() => cloud.parts.models.setServers([{ url: mock.url }]), 300)
  const told = await types(cloud)
  expect(told.types.slice(0, 2)).toEqual(['generation-start', 'model-wake'])
  expect(told.types.at(-1)).toBe('generation-finish')
  expect(called).toEqual([{ model: MOCK_MODEL }])
})
