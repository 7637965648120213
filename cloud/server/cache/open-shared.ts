import { type Counters, createMemoryCounters } from '../budgets/counters.ts'
import { createRedisCounters } from '../budgets/redis-counters.ts'
import type { Config } from '../config.ts'
import type { PartCheck } from '../health/readiness.ts'
import { createRedisAnswers } from '../inference/redis-answers.ts'
import { createMemoryAnswers, type SharedAnswers } from '../inference/shared-answers.ts'
import { createMemoryLimits, type Limits } from '../limits/limits.ts'
import { createRedisLimits } from '../limits/redis-limits.ts'
import { type Cache, createMemoryCache } from './cache.ts'
import { createRedisCache } from './redis-cache.ts'
import { openRedis, type RedisOptions, type SharedRedis } from './redis.ts'

/** What the servers of a cloud share for a short time. */
export interface Shared {
  cache: Cache
  limits: Limits
  counters: Counters
  answers: SharedAnswers
  /** undefined where this server is the only one. */
  redis: SharedRedis | undefined
  check: PartCheck
  close(): Promise<void>
}

/** By Redis where REDIS_URL names one, which may be gone now and come later; else in this process. */
export async function openShared({ redisUrl }: Pick<Config, 'redisUrl'>, onChange?: RedisOptions['onChange']): Promise<Shared> {
  const own = { cache: createMemoryCache(), limits: createMemoryLimits(), counters: createMemoryCounters(), answers: createMemoryAnswers() }
  if (!redisUrl) return { ...own, redis: undefined, check: { embedded: true, check: async () => {} }, close: async () => {} }
  const redis = openRedis({ url: redisUrl, ...(onChange && { onChange }) })
  await redis.opened
  return {
    cache: createRedisCache({ redis, own: own.cache }),
    limits: createRedisLimits({ redis, own: own.limits }),
    counters: createRedisCounters({ redis, own: own.counters }),
    answers: createRedisAnswers({ redis, clock: Date.now }),
    redis,
    check: {
      embedded: false,
      async check() {
        if (redis.state() === 'gone') throw new Error('Redis does not answer')
      },
    },
    close: redis.close,
  }
}
