import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryLimits, type Limit } from './limits.ts'

const limit = (key: string, of: Partial<Limit> = {}): Limit => ({ key, limit: 10, perMs: 1_000, burst: 3, ...of })

test('a burst is let through at once, then one at a time, as the rate says', async () => {
  let now = 0
  const limits = createMemoryLimits({ clock: () => now })
  const take = () => limits.take([limit('a')])
  expect(await take()).toEqual({ allowed: true, retryAfterMs: 0, remaining: 2, tightest: 0, resetMs: 100 })
  expect((await take()).remaining).toBe(1)
  expect((await take()).remaining).toBe(0)
  expect(await take()).toEqual({ allowed: false, retryAfterMs: 100, remaining: 0, tightest: 0, resetMs: 300 })
  now = 99
  expect((await take()).retryAfterMs).toBe(1)
  now = 100
  expect((await take()).allowed).toBe(true)
  now = 1_000
  expect((await take()).remaining).toBe(2)
})

test('all keys are taken from, or none: a refusal by one costs the others nothing', async () => {
  const limits = createMemoryLimits({ clock: () => 0 })
  const narrow = limit('narrow', { burst: 1 })
  expect((await limits.take([limit('wide'), narrow])).tightest).toBe(1)
  for (let index = 0; index < 5; index++) expect((await limits.take([limit('wide'), narrow])).allowed).toBe(false)
  expect((await limits.take([limit('wide')])).remaining).toBe(1)
})

test('what costs more than a burst waits until all of it is there, and is then let through', async () => {
  let now = 0
  const limits = createMemoryLimits({ clock: () => now })
  await limits.take([limit('a')])
  expect(await limits.take([limit('a')], 50)).toMatchObject({ allowed: false, retryAfterMs: 100 })
  now = 100
  expect((await limits.take([limit('a')], 50)).allowed).toBe(true)
})

test('a clock that is set back locks nobody out for longer than a burst takes', async () => {
  let now = 1_000_000
  const limits = createMemoryLimits({ clock: () => now })
  await limits.take([limit('a')])
  now = 0
  expect((await limits.take([limit('a')])).retryAfterMs).toBeLessThanOrEqual(300)
  now = 300
  expect((await limits.take([limit('a')])).allowed).toBe(true)
})

test('whatever comes whenever, no more passes than the burst and the rate over the time allow, and nobody waits for nothing', async () => {
  const step = fc.record({ afterMs: fc.nat(400), cost: fc.integer({ min: 1, max: 4 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 4, max: 9 }), async (steps, burst) => {
      let now = 0
      const limits = createMemoryLimits({ clock: () => now })
      const of = [limit('a', { burst })]
      const passed: { at: number; cost: number }[] = []
      for (const { afterMs, cost } of steps) {
        now += afterMs
        const { allowed, retryAfterMs } = await limits.take(of, cost)
        if (allowed) passed.push({ at: now, cost })
        else {
          now += retryAfterMs
          expect((await limits.take(of, cost)).allowed).toBe(true)
          passed.push({ at: now, cost })
        }
        for (const [first, { at }] of passed.entries()) {
          const sum = passed.slice(first).reduce((total, one) => total + one.cost, 0)
          expect(sum).toBeLessThanOrEqual(burst + ((now - at) * 10) / 1_000 + 0.01)
        }
      }
    }),
  )
})
