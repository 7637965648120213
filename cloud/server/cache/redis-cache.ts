import type { Cache } from './cache.ts'
import { RedisGone, type SharedRedis } from './redis.ts'

/** Shared by all servers of a cloud; `own` is used while Redis is gone. */
export function createRedisCache({ redis, own }: { redis: SharedRedis; own: Cache }): Cache {
  const name = (key: string) => `fusion:cache:${key}`
  const orOwn = <T>(shared: Promise<T>, instead: () => Promise<T>) =>
    shared.catch((error: unknown) => {
      if (error instanceof RedisGone) return instead()
      throw error
    })
  return {
    get: key =>
      orOwn(
        redis.ask(async client => (await client.get(name(key))) ?? undefined),
        () => own.get(key),
      ),
    set: (key, value, ttlMs) =>
      orOwn(
        redis.ask(async client => void (await client.set(name(key), value, 'PX', Math.ceil(ttlMs)))),
        () => own.set(key, value, ttlMs),
      ),
    // From both: what was kept here in an outage may not be told in the next one.
    async delete(key) {
      await own.delete(key)
      await orOwn(
        redis.ask(async client => void (await client.del(name(key)))),
        async () => {},
      )
    },
  }
}
