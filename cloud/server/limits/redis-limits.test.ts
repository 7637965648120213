import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SharedRedis } from '../cache/redis.ts'
import { patientRedis } from '../cache/testing/patient-redis.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from '../cache/testing/test-redis.ts'
import { createMemoryLimits, type Limit, type Limits } from './limits.ts'
import { createRedisLimits, readClock, takeScript } from './redis-limits.ts'

describe.skipIf(skipWithoutRedis)('limits in Redis', () => {
  let server: TestRedis
  let redis: SharedRedis
  beforeAll(async () => {
    server = await startRedis()
    redis = patientRedis(server.url)
  })
  afterAll(async () => {
    await redis.close()
    await server.close()
  })

  /** The script with a clock that the test sets; keys live as long as the test does. */
  const settable = takeScript.replace(readClock, `local now = tonumber(redis.call('GET', 'now'))`).replace(/, 'PX'.*\)/, ')')
  const never: Limits = { take: () => Promise.reject(new Error('Redis was gone')) }

  test('they say what those in process say, whatever comes when, also when the clock steps forward and back', async () => {
    const start = 1_790_000_000_000
    const one = fc.record({
      keys: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 4 }),
      cost: fc.integer({ min: 1, max: 5 }),
      stepMs: fc.oneof({ weight: 8, arbitrary: fc.nat(3_000) }, fc.integer({ min: -3_600_000, max: 3_600_000 })),
    })
    const kinds = fc.array(fc.record({ limit: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) }), {
      minLength: 4,
      maxLength: 4,
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(kinds, fc.array(one, { minLength: 1, maxLength: 25 }), async (kindOf, all) => {
        let now = start
        run++
        const mine = createMemoryLimits({ clock: () => now })
        const shared = createRedisLimits({ redis, own: never, script: settable })
        for (const { keys, cost, stepMs } of all) {
          now += stepMs
          await redis.ask(client => client.set('now', String(now)))
          const of: Limit[] = keys.map(key => ({ key: `{${run}}:${key}`, perMs: 10_000, ...kindOf[key]! }))
          const [expected, told] = [await mine.take(of, cost), await shared.take(of, cost)]
          expect({ ...told, retryAfterMs: 0, resetMs: 0 }).toEqual({ ...expected, retryAfterMs: 0, resetMs: 0 })
          // Redis keeps its times to the thousandth of a millisecond, and these are rounded up.
          expect(Math.abs(told.retryAfterMs - expected.retryAfterMs)).toBeLessThanOrEqual(1)
          expect(Math.abs(told.resetMs - expected.resetMs)).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('many at once take no more than there is', async () => {
    const limits = createRedisLimits({ redis, own: never })
    const of = [{ key: '{t}:all', limit: 1, perMs: 3_600_000, burst: 20 }]
    const taken = await Promise.all(Array.from({ length: 100 }, () => limits.take(of)))
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(20)
  })

  test('what is paid leaves nothing behind in Redis', async () => {
    const limits = createRedisLimits({ redis, own: never })
    await limits.take([{ key: '{t}:soon', limit: 100, perMs: 1_000, burst: 5 }])
    const ttl = await redis.ask(client => client.pttl('fusion:limit:{t}:soon'))
    expect(ttl).toBeLessThanOrEqual(10)
    expect(ttl).not.toBe(-1)
  })
})
