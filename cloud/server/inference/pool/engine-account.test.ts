import { expect, onTestFinished, test } from 'vitest'
import { MOCK_MODEL } from '../../../testing/mock-vllm.ts'
import { startMockPool } from '../../testing/mock-pool.ts'
import { createEngineAccount, type EngineDrift } from './engine-account.ts'

function start() {
  const drifts: EngineDrift[] = []
  return { drifts, account: createEngineAccount({ onDrift: drift => void drifts.push(drift) }) }
}

test('counts that agree within one in a hundred are no alarm, however many there are', () => {
  const { drifts, account } = start()
  account.seen(500)
  for (let answer = 1; answer <= 200; answer++) {
    account.told(1000)
    account.seen(500 + answer * 1005)
  }
  expect(drifts).toEqual([])
})

test('a difference is told once, also one that comes in small steps', () => {
  const { drifts, account } = start()
  account.seen(0)
  for (let answer = 1; answer <= 30; answer++) {
    account.told(100)
    account.seen(answer * 150)
  }
  expect(drifts).toEqual([{ engine: 3150, told: 2100 }])
})

test('spans with an answer that was left, and engines that were started anew, say nothing', () => {
  const { drifts, account } = start()
  account.seen(0)
  account.cut()
  account.seen(50_000)
  account.seen(10)
  account.told(90_000)
  account.cut()
  account.seen(20)
  expect(drifts).toEqual([])
})

test('in a running cloud nothing drifts, until somebody else uses its server', async () => {
  const pool = await startMockPool({ servers: 1 })
  onTestFinished(pool.close)
  const drifts = async () => {
    const figures = await (await fetch(`${pool.cloud.url}/metrics`)).text()
    return Number(/^fusion_engine_drifts_total (\d+)/m.exec(figures)![1])
  }
  const [mock] = pool.mocks
  const body = { model: MOCK_MODEL, messages: [{ role: 'user', content: 'Words?' }], max_tokens: 500, ignore_eos: true }
  for (let answer = 0; answer < 6; answer++) {
    const stream = answer % 2 === 0
    expect((await (await pool.post('/v1/chat/completions', { ...body, stream })).text()).length).toBeGreaterThan(100)
  }
  const seen = mock!.scrapes()
  await expect.poll(() => mock!.scrapes()).toBeGreaterThan(seen + 1)
  expect(await drifts()).toBe(0)
  for (let answer = 0; answer < 6; answer++) {
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    await (await fetch(`${mock!.url}/v1/chat/completions`, asked)).text()
  }
  await expect.poll(drifts).toBe(1)
})
