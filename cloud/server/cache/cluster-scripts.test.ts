// What servers share by scripts of several keys, in a real Cluster: the keys of one tenant have to lie on one node.
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { createMemoryCounters } from '../budgets/counters.ts'
import { createRedisCounters } from '../budgets/redis-counters.ts'
import { createRedisAnswers } from '../inference/redis-answers.ts'
import { question } from '../testing/chat-client.ts'
import { createRedisEventTail } from './redis-event-tail.ts'
import { patientRedis } from './testing/patient-redis.ts'
import { skipWithoutRedis, startCluster } from './testing/test-redis.ts'

test.skipIf(skipWithoutRedis)('budgets, shared answers and the events of answers work in a Cluster', async () => {
  const cluster = await startCluster()
  onTestFinished(cluster.close)
  const redis = patientRedis(cluster.url)
  onTestFinished(redis.close)
  for (let tenant = 0; tenant < 6; tenant++) {
    const organisationId = newId()
    const counters = createRedisCounters({ redis, own: createMemoryCounters() })
    const claim = (amount: number) => [{ key: 'tokens', limit: 100, amount, keepMs: 60_000, seeded: false }]
    const reserve = (id: string, amount: number) => counters.reserve({ organisationId, id, claims: claim(amount), expireMs: 60_000 })
    expect(await reserve('one', 60)).toMatchObject({ outcome: 'reserved' })
    expect(await reserve('two', 60)).toMatchObject({ outcome: 'refused', used: 60 })
    await counters.settle(organisationId, 'one', { tokens: 10 })
    expect(await reserve('three', 90)).toMatchObject({ outcome: 'reserved', used: [100] })
    expect(await counters.raise(organisationId, 'tokens', 20)).toEqual({ was: 100, due: 110 })

    const answers = createRedisAnswers({ redis, clock: Date.now })
    const of = { organisationId, key: 'a-request' }
    expect(await answers.join(of, 'maker', true)).toBe('make')
    expect(await answers.append(of, 'maker', 0, ['one', 'two'])).toBe(true)
    expect(await answers.join(of, 'other', true)).toBe('follow')
    await answers.end(of, 'maker', 60_000)
    expect(await answers.read(of, 0)).toEqual({ by: 'maker ', chunks: ['one', 'two'], state: 'whole' })
    expect(await answers.purge(organisationId)).toBe(1)
    expect(await answers.join(of, 'other', true)).toBe('make')

    const tail = createRedisEventTail(redis)
    const generation = { userId: newId(), id: newId() }
    const caller = { userId: generation.userId, organisationId, role: 'member', sessionId: null, apiKeyId: null, scopes: [] } as const
    const handover = { caller, request: question('a-model'), model: 'a-model', startedAt: 1 }
    const entries = [{ event: { type: 'text-delta', text: 'a' } as const, tokenIds: [7] }]
    expect(await tail.begin(generation, 'me', handover)).toBe(true)
    expect(await tail.append(generation, 'me', 1, entries)).toBe('kept')
    expect(await tail.takeOver(generation, 'another')).toEqual({ handover, entries })
    expect(await tail.append(generation, 'me', 2, entries)).toBe('taken-over')
  }
})
