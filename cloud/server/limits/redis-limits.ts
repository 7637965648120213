import { RedisGone, type SharedRedis } from '../cache/redis.ts'
import { createScript } from '../cache/redis-script.ts'
import { type Limits, ROUNDING_MS, takenOf } from './limits.ts'

/** By Redis' own clock: those of the servers may differ. */
export const readClock = `local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000`

/** The same as `createMemoryLimits`. ARGV: the cost, then for each key the ms that one costs and how many there are at once. */
export const takeScript = `${readClock}
local cost = tonumber(ARGV[1])
local before, after, wait = {}, {}, 0
for index, key in ipairs(KEYS) do
  local each, burst = tonumber(ARGV[index * 2]), tonumber(ARGV[index * 2 + 1])
  local paid = tonumber(redis.call('GET', key) or now)
  before[index] = math.min(math.max(paid - now, 0), burst * each)
  after[index] = before[index] + math.min(cost, burst) * each
  local missing = after[index] - burst * each
  if missing >= ${ROUNDING_MS} then wait = math.max(wait, missing) end
end
local left = wait > 0 and before or after
local told = { string.format('%.3f', wait) }
for index, key in ipairs(KEYS) do
  if left[index] > 0 then
    redis.call('SET', key, string.format('%.3f', now + left[index]), 'PX', math.ceil(left[index]))
  else
    redis.call('DEL', key)
  end
  told[index + 1] = string.format('%.3f', left[index])
end
return told`

/** Shared by all servers of a cloud; `own` is used while Redis is gone, so that limits then hold for each server by itself. */
export function createRedisLimits({ redis, own, script = takeScript }: { redis: SharedRedis; own: Limits; script?: string }): Limits {
  const run = createScript(script)

  return {
    async take(limits, cost = 1) {
      const keys = limits.map(({ key }) => `fusion:limit:${key}`)
      const values = [cost, ...limits.flatMap(({ limit, perMs, burst }) => [perMs / limit, burst])]
      try {
        const [waitMs = 0, ...debts] = await redis.ask(async client => ((await run(client, keys, values)) as string[]).map(Number))
        return takenOf(limits, debts, waitMs)
      } catch (error) {
        if (error instanceof RedisGone) return own.take(limits, cost)
        throw error
      }
    },
  }
}
