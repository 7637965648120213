import { afterEach, expect, test } from 'vitest'
import { type MockVllm, MOCK_MODEL, startMockVllm } from '../../testing/mock-vllm.ts'
import { createModels, type Models, ranks } from './models.ts'

let mock: MockVllm
let models: Models
afterEach(async () => {
  await models.close()
  await mock.close()
})

test('whoever fills the line keeps nobody else out of it', async () => {
  mock = await startMockVllm()
  models = createModels({ servers: [{ url: mock.url, slots: 1 }] })
  await models.looked
  const { signal } = new AbortController()
  const seat = (who: string) => models.seat({ model: MOCK_MODEL, who, rank: ranks.program, blocks: [] }, { signal })
  const told: string[] = []
  async function wait(who: string): Promise<void> {
    try {
      const { leave } = await seat(who)
      told.push(who)
      leave()
    } catch (error) {
      told.push(`${who} ${(error as { code: string }).code}`)
    }
  }
  const first = await seat('ada')
  for (let index = 0; index < 2_001; index++) void wait('ada')
  await expect.poll(() => told).toEqual(['ada line-too-long'])
  void wait('ben')
  await expect.poll(() => told).toEqual(['ada line-too-long', 'ada line-too-long'])
  first.leave()
  await expect.poll(() => told.indexOf('ben')).toBeGreaterThan(0)
  expect(told.indexOf('ben')).toBeLessThan(6)
})
