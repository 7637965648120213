import { RedisGone, type SharedRedis } from '../cache/redis.ts'
import { createScript } from '../cache/redis-script.ts'
import {
  ALIVE_MS,
  type AnswerKey,
  FOLLOWED_MS,
  MOST_CHUNKS,
  MOST_KEPT,
  READ_CHUNKS,
  type Joined,
  type SharedAnswers,
} from './shared-answers.ts'

// KEYS of an answer: the list of its chunks; who makes it, for as long as that one is alive; and that it is whole, `1` where it may be told again.

/** ARGV: who asks, ms that it counts as alive, whether it takes one that was kept. */
const join = createScript(`local whole = redis.call('GET', KEYS[3])
if whole then return (whole == '1' and ARGV[3] == '1') and 'replay' or 'alone' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'follow' end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 'make'`)

/** ARGV: the maker, ms, the most chunks, how many are there, the chunks: those that came twice are there once. */
const append = createScript(`if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local known = redis.call('LLEN', KEYS[1])
if known + #ARGV - 4 > tonumber(ARGV[3]) or known < tonumber(ARGV[4]) then return 0 end
for index = 5 + known - tonumber(ARGV[4]), #ARGV do redis.call('RPUSH', KEYS[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], 900000)
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1`)

const alive = createScript(`if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end`)

/** KEYS[4]: what is kept of the organisation, by when. ARGV: the maker, ms it is kept, ms for those who follow, the most that is kept, now. */
const end = createScript(`if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
local kept = tonumber(ARGV[2])
local ms = math.max(kept, tonumber(ARGV[3]))
redis.call('SET', KEYS[3], kept > 0 and '1' or '0', 'PX', ms)
redis.call('PEXPIRE', KEYS[1], ms)
if kept > 0 then
  redis.call('ZADD', KEYS[4], tonumber(ARGV[5]), KEYS[1])
  redis.call('PEXPIRE', KEYS[4], 86400000)
  local over = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[4])
  if over > 0 then
    for _, key in ipairs(redis.call('ZRANGE', KEYS[4], 0, over - 1)) do redis.call('DEL', key, key .. ':maker', key .. ':whole') end
    redis.call('ZREMRANGEBYRANK', KEYS[4], 0, over - 1)
  end
end
return 1`)

const abandon = createScript(`if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`)

const purge = createScript(`local keys = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, key in ipairs(keys) do redis.call('DEL', key, key .. ':maker', key .. ':whole') end
redis.call('DEL', KEYS[1])
return #keys`)

/** Shared by all servers of a cloud. While Redis is gone nothing is shared. */
export function createRedisAnswers({ redis, clock }: { redis: SharedRedis; clock: () => number }): SharedAnswers {
  const kept = (organisationId: string) => `fusion:answers:{${organisationId}}`
  const keys = ({ organisationId, key }: AnswerKey) => {
    const name = `${kept(organisationId)}:${key}`
    return [name, `${name}:maker`, `${name}:whole`]
  }
  const unlessGone = <T, I>(asked: Promise<T>, instead: I): Promise<T | I> =>
    asked.catch((error: unknown) => {
      if (error instanceof RedisGone) return instead
      throw error
    })
  return {
    join: (of, id, replays) =>
      unlessGone(
        redis.ask(async client => (await join(client, keys(of), [id, ALIVE_MS, replays ? 1 : 0])) as Joined),
        'alone',
      ),
    append: (of, id, from, chunks) =>
      unlessGone(
        redis.ask(async client => (await append(client, keys(of), [id, ALIVE_MS, MOST_CHUNKS, from, ...chunks])) === 1),
        undefined,
      ),
    alive: (of, id) =>
      unlessGone(
        redis.ask(async client => void (await alive(client, keys(of), [id, ALIVE_MS]))),
        undefined,
      ),
    end: (of, id, keepMs) =>
      unlessGone(
        redis.ask(async client => {
          const values = [id, keepMs, FOLLOWED_MS, MOST_KEPT, Math.round(clock())]
          await end(client, [...keys(of), kept(of.organisationId)], values)
        }),
        undefined,
      ),
    abandon: (of, id) =>
      unlessGone(
        redis.ask(async client => void (await abandon(client, keys(of), [id]))),
        undefined,
      ),
    read: (of, after) =>
      unlessGone(
        redis.ask(async client => {
          const [list, maker, whole] = keys(of) as [string, string, string]
          // States first: what is whole or gone by then has all its chunks there.
          const [isWhole, isMade] = [await client.exists(whole), await client.exists(maker)]
          const chunks = await client.lrange(list, after, after + READ_CHUNKS - 1)
          const isAll = chunks.length < READ_CHUNKS
          const state = isAll && isWhole ? 'whole' : isAll && !isMade ? 'gone' : 'running'
          return { chunks, state } as const
        }),
        undefined,
      ),
    purge: organisationId => redis.ask(async client => Number(await purge(client, [kept(organisationId)], []))),
  }
}
