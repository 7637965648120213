import { RedisGone, type SharedRedis } from '../cache/redis.ts'
import { createScript } from '../cache/redis-script.ts'
import {
  ALIVE_MS,
  type AnswerKey,
  FOLLOWED_MS,
  MOST_CHUNKS,
  MOST_KEPT,
  MOST_KEPT_CHARACTERS,
  READ_CHUNKS,
  type Joined,
  type ReadAnswer,
  type SharedAnswers,
} from './shared-answers.ts'

// KEYS of an answer: the list of its chunks, which begins with who makes it and how often all was forgotten by then; who makes it, for as long as that
// one is alive; and that it is whole, `1` where it may be told again. KEYS[4]: what is kept of the organisation, by when. KEYS[5]: how many characters
// each has. KEYS[6]: how many all have. KEYS[7]: how often all was forgotten, lately.

/** ARGV: who asks, ms that it counts as alive, whether it takes one that was kept. */
const join = createScript(`local whole = redis.call('GET', KEYS[3])
if whole then return (whole == '1' and ARGV[3] == '1') and 'replay' or 'alone' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'follow' end
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[1] .. ' ' .. (redis.call('GET', KEYS[7]) or ''))
redis.call('PEXPIRE', KEYS[1], 900000)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 'make'`)

/** ARGV: the maker, ms, the most chunks, how many are there, the chunks: those that came twice are there once. */
const append = createScript(`if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local known = redis.call('LLEN', KEYS[1]) - 1
if known + #ARGV - 4 > tonumber(ARGV[3]) or known < tonumber(ARGV[4]) then return 0 end
for index = 5 + known - tonumber(ARGV[4]), #ARGV do redis.call('RPUSH', KEYS[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], 900000)
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1`)

const alive = createScript(`if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end`)

/** Those that were kept first go first. */
const drop = `local function drop(key)
  redis.call('ZREM', KEYS[4], key)
  redis.call('DECRBY', KEYS[6], redis.call('HGET', KEYS[5], key) or 0)
  redis.call('HDEL', KEYS[5], key)
  return redis.call('DEL', key, key .. ':maker', key .. ':whole') > 0
end`

/** ARGV: the maker, ms it is kept, ms for those who follow, the most that is kept, the most characters of all, now. */
const end = createScript(`${drop}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
local kept = tonumber(ARGV[2])
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] .. ' ' .. (redis.call('GET', KEYS[7]) or '') then kept = 0 end
local ms = math.max(kept, tonumber(ARGV[3]))
redis.call('SET', KEYS[3], kept > 0 and '1' or '0', 'PX', ms)
redis.call('PEXPIRE', KEYS[1], ms)
if kept > 0 then
  if redis.call('ZSCORE', KEYS[4], KEYS[1]) then redis.call('DECRBY', KEYS[6], redis.call('HGET', KEYS[5], KEYS[1]) or 0) end
  local size = 0
  for _, chunk in ipairs(redis.call('LRANGE', KEYS[1], 1, -1)) do size = size + #chunk end
  redis.call('ZADD', KEYS[4], tonumber(ARGV[6]), KEYS[1])
  redis.call('HSET', KEYS[5], KEYS[1], size)
  redis.call('INCRBY', KEYS[6], size)
  while redis.call('ZCARD', KEYS[4]) > tonumber(ARGV[4]) or tonumber(redis.call('GET', KEYS[6])) > tonumber(ARGV[5]) do
    local first = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
    if not first then break end
    drop(first)
  end
  for index = 4, 6 do redis.call('PEXPIRE', KEYS[index], 86400000) end
end
return 1`)

const abandon = createScript(`if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`)

/** ARGV: how many chunks were read, and how many are to be. All at one moment: what is whole has its chunks, or is not there. */
const read = createScript(`local head = redis.call('LINDEX', KEYS[1], 0) or ''
local first = tonumber(ARGV[1]) + 1
return { redis.call('EXISTS', KEYS[3]), redis.call('EXISTS', KEYS[2]), head, unpack(redis.call('LRANGE', KEYS[1], first, first + ARGV[2] - 1)) }`)

const purge = createScript(`${drop}
local forgotten = 0
for _, key in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do if drop(key) then forgotten = forgotten + 1 end end
redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
redis.call('INCR', KEYS[7])
redis.call('PEXPIRE', KEYS[7], 900000)
return forgotten`)

/** Shared by all servers of a cloud. While Redis is gone nothing is shared. */
export function createRedisAnswers({ redis, clock }: { redis: SharedRedis; clock: () => number }): SharedAnswers {
  const keys = ({ organisationId, key }: AnswerKey) => {
    const kept = `fusion:shared-answers:{${organisationId}}`
    const name = `${kept}:${key}`
    return [name, `${name}:maker`, `${name}:whole`, `${kept} kept`, `${kept} sizes`, `${kept} size`, `${kept} forgotten`]
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
          await end(client, keys(of), [id, keepMs, FOLLOWED_MS, MOST_KEPT, MOST_KEPT_CHARACTERS, Math.round(clock())])
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
          const told = (await read(client, keys(of), [after, READ_CHUNKS])) as [number, number, string, ...string[]]
          const [isWhole, isMade, by, ...chunks] = told
          const isAll = chunks.length < READ_CHUNKS
          // What was kept may go before what says that it is whole.
          const state = isAll && isWhole && by !== '' ? 'whole' : isAll && !isMade ? 'gone' : 'running'
          return { by, chunks, state } satisfies ReadAnswer
        }),
        undefined,
      ),
    purge: organisationId => redis.ask(async client => Number(await purge(client, keys({ organisationId, key: '' }), []))),
  }
}
