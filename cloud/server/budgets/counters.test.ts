// The counts in this process and those in Redis: the same rules, whatever happens in whichever order.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openRedis, type SharedRedis } from '../cache/redis.ts'
import { patientRedis } from '../cache/testing/patient-redis.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from '../cache/testing/test-redis.ts'
import { type Claim, type Counters, createMemoryCounters } from './counters.ts'
import { createRedisCounters } from './redis-counters.ts'

const claim = (key: string, amount: number, more: Partial<Claim> = {}): Claim => ({
  key,
  limit: 100,
  amount,
  keepMs: 3_600_000,
  seeded: false,
  ...more,
})

/** Rules that hold for each kind. */
function describeCounters(make: () => Counters): void {
  const reserving =
    (organisationId: string, counters: Counters) =>
    (id: string, claims: Claim[], more: { more?: boolean; expireMs?: number } = {}) =>
      counters.reserve({ organisationId, id, claims, expireMs: 900_000, ...more })

  test('many at once reserve no more than there is, and settling gives back what was not used', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    const all = await Promise.all(Array.from({ length: 50 }, (_, index) => reserve(`r${index}`, [claim('tokens', 30)])))
    const reserved = all.flatMap(({ outcome }, index) => (outcome === 'reserved' ? [`r${index}`] : []))
    expect(reserved).toHaveLength(3)
    await counters.settle(organisation, reserved[0]!, { tokens: 5 })
    expect(await reserve('next', [claim('tokens', 36)])).toMatchObject({ outcome: 'refused', index: 0, used: 65 })
    expect(await reserve('next', [claim('tokens', 35)])).toMatchObject({ outcome: 'reserved', used: [100] })
  })

  test('one that needs more than the whole limit never passes, and takes nothing', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    expect(await reserve('huge', [claim('other', 1), claim('tokens', 101)])).toEqual({ outcome: 'refused', index: 1, used: 0 })
    expect(await reserve('all', [claim('other', 100), claim('tokens', 100)])).toMatchObject({ outcome: 'reserved' })
  })

  test('the same request reserves once and is settled once', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    for (let time = 0; time < 3; time++) expect(await reserve('one', [claim('tokens', 60)])).toMatchObject({ outcome: 'reserved' })
    for (let time = 0; time < 3; time++) await counters.settle(organisation, 'one', { tokens: 10 })
    expect(await reserve('late', [claim('tokens', 91)])).toMatchObject({ outcome: 'refused', used: 10 })
    // Not even under a reservation that is forgotten.
    await counters.settle(organisation, 'unknown', { tokens: 10 })
    await counters.settle(organisation, 'unknown', { tokens: 10 })
    expect(await reserve('late', [claim('tokens', 91)])).toMatchObject({ outcome: 'refused', used: 20 })
  })

  test('an answer that grows reserves more under the same request', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    await reserve('one', [claim('tokens', 40)])
    expect(await reserve('one', [claim('tokens', 40)], { more: true })).toMatchObject({ outcome: 'reserved', used: [80] })
    expect(await reserve('one', [claim('tokens', 40)], { more: true })).toMatchObject({ outcome: 'refused', used: 80 })
    await counters.settle(organisation, 'one', { tokens: 70 })
    expect(await reserve('other', [claim('tokens', 31)])).toMatchObject({ outcome: 'refused', used: 70 })
  })

  test('what is reserved when its request has ended by then is not taken', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    await reserve('one', [claim('tokens', 40)])
    await counters.settle(organisation, 'one', { tokens: 10 })
    await reserve('one', [claim('tokens', 40)], { more: true })
    expect(await reserve('other', [claim('tokens', 91)])).toMatchObject({ outcome: 'refused', used: 10 })
    await counters.settle(organisation, 'one', { tokens: 10 })
    expect(await reserve('other', [claim('tokens', 91)])).toMatchObject({ outcome: 'refused', used: 10 })
  })

  test('what never began is there again, and may be reserved again; what is settled is not given back', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    await reserve('one', [claim('tokens', 90)])
    await counters.giveBack(organisation, 'one')
    await counters.giveBack(organisation, 'one')
    expect(await reserve('one', [claim('tokens', 80)])).toMatchObject({ outcome: 'reserved', used: [80] })
    await counters.settle(organisation, 'one', { tokens: 70 })
    await counters.giveBack(organisation, 'one')
    expect(await reserve('two', [claim('tokens', 31)])).toMatchObject({ outcome: 'refused', used: 70 })
  })

  test('a count begins with what the ledger says, and seeding it again and again does not multiply it', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    const seeded = claim('tokens', 10, { seeded: true })
    expect(await reserve('one', [claim('other', 1), seeded])).toEqual({ outcome: 'unseeded', keys: ['tokens'] })
    await Promise.all(Array.from({ length: 20 }, () => counters.seed(organisation, 'tokens', 85, 3_600_000)))
    expect(await reserve('one', [seeded])).toMatchObject({ outcome: 'reserved', used: [95] })
    await counters.seed(organisation, 'tokens', 0, 3_600_000)
    expect(await reserve('two', [seeded])).toMatchObject({ outcome: 'refused', used: 95 })
  })

  test('a reservation that nobody settles is given back in time', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    await reserve('dead', [claim('tokens', 90)], { expireMs: 150 })
    expect(await reserve('next', [claim('tokens', 20)])).toMatchObject({ outcome: 'refused' })
    await expect.poll(() => reserve('next', [claim('tokens', 20)])).toMatchObject({ outcome: 'reserved', used: [20] })
    // It comes to its end after all: what it used counts.
    await counters.settle(organisation, 'dead', { tokens: 50 })
    expect(await reserve('last', [claim('tokens', 31)])).toMatchObject({ outcome: 'refused', used: 70 })
  })

  test('of the minute before, as much counts as lies within the last one', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    await reserve('one', [claim('minute:1', 80)])
    const at = (weight: number, amount: number) => claim('minute:2', amount, { before: { key: 'minute:1', weight } })
    expect(await reserve('two', [at(0.9, 29)])).toMatchObject({ outcome: 'refused', used: 72 })
    expect(await reserve('two', [at(0.5, 60)])).toMatchObject({ outcome: 'reserved', used: [100] })
  })

  test('a count is raised to what the ledger says and what is reserved, and never lowered', async () => {
    const [counters, organisation] = [make(), newId()]
    const reserve = reserving(organisation, counters)
    expect(await counters.raise(organisation, 'tokens', 5)).toBeUndefined()
    await reserve('one', [claim('tokens', 20)])
    expect(await counters.raise(organisation, 'tokens', 30)).toEqual({ was: 20, due: 50 })
    expect(await counters.raise(organisation, 'tokens', 10)).toEqual({ was: 50, due: 30 })
    expect(await reserve('two', [claim('tokens', 51)])).toMatchObject({ outcome: 'refused', used: 50 })
  })
}

describe('in this process', () => describeCounters(() => createMemoryCounters()))

describe.skipIf(skipWithoutRedis)('in Redis', () => {
  let server: TestRedis
  let redis: SharedRedis
  const never = new Proxy({} as Counters, { get: () => () => Promise.resolve() })
  beforeAll(async () => {
    server = await startRedis()
    redis = patientRedis(server.url)
  })
  afterAll(async () => {
    await redis.close()
    await server.close()
  })
  describeCounters(() => createRedisCounters({ redis, own: never }))

  test('both say the same of whatever comes', async () => {
    const keys = ['a', 'b', 'c']
    const step = fc.oneof(
      fc.record({
        what: fc.constant('reserve' as const),
        id: fc.nat(5),
        claims: fc.uniqueArray(fc.record({ key: fc.nat(2), amount: fc.integer({ min: 0, max: 60 }) }), {
          selector: ({ key }) => key,
          minLength: 1,
        }),
        more: fc.boolean(),
      }),
      fc.record({
        what: fc.constant('settle' as const),
        id: fc.nat(5),
        used: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 3 }),
      }),
      fc.record({ what: fc.constant('seed' as const), key: fc.nat(2), value: fc.nat(80) }),
      fc.record({ what: fc.constant('raise' as const), key: fc.nat(2), value: fc.nat(80) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async steps => {
        const organisationId = newId()
        const both = [createMemoryCounters(), createRedisCounters({ redis, own: never })]
        for (const one of steps) {
          const told = []
          for (const counters of both) {
            if (one.what === 'reserve') {
              const claims = one.claims.map(({ key, amount }) => claim(keys[key]!, amount, { seeded: key === 0 }))
              told.push(await counters.reserve({ organisationId, id: `${one.id}`, claims, expireMs: 900_000, more: one.more }))
            } else if (one.what === 'settle')
              told.push(
                await counters.settle(organisationId, `${one.id}`, Object.fromEntries(keys.map((key, index) => [key, one.used[index]!]))),
              )
            else if (one.what === 'seed') told.push(await counters.seed(organisationId, keys[one.key]!, one.value, 3_600_000))
            else told.push(await counters.raise(organisationId, keys[one.key]!, one.value))
          }
          expect(told[1]).toEqual(told[0])
        }
      }),
      { numRuns: 200 },
    )
  })

  test('with Redis gone in the middle, requests are counted here, and come to their end in both', async () => {
    const redis = openRedis({ url: server.url })
    onTestFinished(redis.close)
    await redis.opened
    const own = createMemoryCounters()
    const counters = createRedisCounters({ redis, own })
    const organisationId = newId()
    const reserve = (id: string, amount: number) =>
      counters.reserve({ organisationId, id, claims: [claim('tokens', amount)], expireMs: 900_000 })
    await reserve('before', 40)
    await server.kill()
    expect(await reserve('while', 90)).toMatchObject({ outcome: 'reserved', used: [90] })
    expect(await reserve('more', 20)).toMatchObject({ outcome: 'refused', used: 90 })
    await counters.settle(organisationId, 'before', { tokens: 40 })
    await server.start()
    await expect.poll(() => redis.state()).toBe('connected')
    // It was begun here, and is settled there and here.
    await reserve('after', 10)
    await counters.settle(organisationId, 'while', { tokens: 30 })
    expect(await reserve('last', 61)).toMatchObject({ outcome: 'refused', used: 40 })
    expect(await own.reserve({ organisationId, id: 'own', claims: [claim('tokens', 61)], expireMs: 1 })).toMatchObject({
      outcome: 'refused',
      used: 40,
    })
  })
})
