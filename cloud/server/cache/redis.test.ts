import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLimits, type Limit } from '../limits/limits.ts'
import { createRedisLimits } from '../limits/redis-limits.ts'
import { createMemoryCache } from './cache.ts'
import { createRedisCache } from './redis-cache.ts'
import { openRedis, type SharedRedis } from './redis.ts'
import { skipWithoutRedis, startCluster, startRedis } from './testing/test-redis.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** What a server makes of a Redis. */
async function open(url: string) {
  const redis = openRedis({ url })
  closing.push(redis.close)
  await redis.opened
  return {
    redis,
    limits: createRedisLimits({ redis, own: createMemoryLimits() }),
    cache: createRedisCache({ redis, own: createMemoryCache() }),
  }
}
const becomes = (redis: SharedRedis, state: string) => vi.waitFor(() => expect(redis.state()).toBe(state), { timeout: 20_000 })
const limit = (key: string, of: Partial<Limit> = {}): Limit => ({ key, limit: 100, perMs: 60_000, burst: 3, ...of })

/** Asks without a pause, from several sides, until it is told to stop; nothing may be thrown. Gives the longest wait, in ms. */
function load({ limits, cache }: Awaited<ReturnType<typeof open>>) {
  const stopping = new AbortController()
  let longest = 0
  let asked = 0
  const sides = Array.from({ length: 8 }, async (_, side) => {
    while (!stopping.signal.aborted) {
      const from = performance.now()
      await limits.take([limit(`{${side}}:a`), limit(`{${side}}:b`)])
      await cache.set(`${side}`, 'value', 1_000)
      await cache.get(`${side}`)
      longest = Math.max(longest, performance.now() - from)
      asked++
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  })
  return {
    asked: () => asked,
    async stop() {
      stopping.abort()
      await Promise.all(sides)
      return longest
    },
  }
}

describe.skipIf(skipWithoutRedis)('with a Redis (Debian: apt-get install redis-server)', () => {
  test('two servers share what they cache and what they count', async () => {
    const server = await startRedis()
    closing.push(server.close)
    const [one, other] = [await open(server.url), await open(server.url)]
    await one.cache.set('session', 'who', 60_000)
    expect(await other.cache.get('session')).toBe('who')
    await other.cache.delete('session')
    expect(await one.cache.get('session')).toBeUndefined()
    await one.cache.set('short', 'life', 1)
    await vi.waitFor(async () => expect(await other.cache.get('short')).toBeUndefined())

    expect((await one.limits.take([limit('a')])).remaining).toBe(2)
    expect((await other.limits.take([limit('a')])).remaining).toBe(1)
    await one.limits.take([limit('a')])
    expect(await other.limits.take([limit('a')])).toMatchObject({ allowed: false, remaining: 0 })
  })

  test('a Redis that is killed under load and comes back: nobody is refused or waits long, and it is used again', async () => {
    const server = await startRedis()
    closing.push(server.close)
    const cloud = await open(server.url)
    const running = load(cloud)
    await vi.waitFor(() => expect(running.asked()).toBeGreaterThan(100))
    await server.kill()
    await becomes(cloud.redis, 'gone')
    const before = running.asked()
    await vi.waitFor(() => expect(running.asked()).toBeGreaterThan(before + 100))
    await server.start()
    await becomes(cloud.redis, 'connected')
    const answered = cloud.redis.counts().answered
    await vi.waitFor(() => expect(cloud.redis.counts().answered).toBeGreaterThan(answered + 100))
    await running.stop()
    expect(cloud.redis.counts().outages).toBe(1)
  })

  test('a Redis that hangs holds up a request once, and for a moment; then it is known to be gone, until it answers', async () => {
    const server = await startRedis()
    closing.push(server.close)
    const cloud = await open(server.url)
    const running = load(cloud)
    await vi.waitFor(() => expect(running.asked()).toBeGreaterThan(100))
    server.signal('SIGSTOP')
    await becomes(cloud.redis, 'gone')
    const before = running.asked()
    await vi.waitFor(() => expect(running.asked()).toBeGreaterThan(before + 100))
    // A moment is 150 ms; on a machine with other work it may be longer.
    expect(await running.stop()).toBeLessThan(1_000)
    server.signal('SIGCONT')
    await becomes(cloud.redis, 'connected')
  })

  test('a server starts while Redis is not there, counts by itself, and finds it later', async () => {
    const server = await startRedis()
    closing.push(server.close)
    await server.kill()
    const { redis, limits, cache } = await open(server.url)
    expect(redis.state()).toBe('gone')
    expect((await limits.take([limit('a', { burst: 1 })])).allowed).toBe(true)
    expect((await limits.take([limit('a', { burst: 1 })])).allowed).toBe(false)
    await cache.set('a', 'here', 60_000)
    expect(await cache.get('a')).toBe('here')
    await server.start()
    await becomes(redis, 'connected')
    expect((await limits.take([limit('a', { burst: 1 })])).allowed).toBe(true)
    expect(await cache.get('a')).toBeUndefined()
  })

  test('a Cluster takes keys of one tenant together; one of its masters dies and comes back', async () => {
    const cluster = await startCluster()
    closing.push(cluster.close)
    const cloud = await open(cluster.url)
    await becomes(cloud.redis, 'connected')
    for (let tenant = 0; tenant < 30; tenant++) {
      const of = [limit(`{${tenant}}:user`), limit(`{${tenant}}:organisation`)]
      expect((await cloud.limits.take(of)).remaining).toBe(2)
      expect((await cloud.limits.take(of)).remaining).toBe(1)
      await cloud.cache.set(`${tenant}`, 'value', 60_000)
      expect(await cloud.cache.get(`${tenant}`)).toBe('value')
    }
    await expect(cloud.limits.take([limit('{one}'), limit('{two}')])).rejects.toThrow('slot')
    expect(cloud.redis.counts()).toMatchObject({ refused: 0, outages: 0 })

    const running = load(cloud)
    await cluster.nodes[1]!.kill()
    await becomes(cloud.redis, 'gone')
    const before = running.asked()
    await vi.waitFor(() => expect(running.asked()).toBeGreaterThan(before + 100))
    await cluster.nodes[1]!.start()
    await vi.waitFor(
      async () => {
        expect(cloud.redis.state()).toBe('connected')
        const { answered, refused } = cloud.redis.counts()
        await vi.waitFor(() => expect(cloud.redis.counts().answered).toBeGreaterThan(answered + 200))
        expect(cloud.redis.counts().refused).toBe(refused)
      },
      { timeout: 30_000 },
    )
    await running.stop()
  })
})
