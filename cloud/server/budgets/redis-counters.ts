import { RedisGone, type SharedRedis } from '../cache/redis.ts'
import { createScript } from '../cache/redis-script.ts'
import { readClock } from '../limits/redis-limits.ts'
import { type Counters, type Reserved, SETTLED_MS } from './counters.ts'

// Of one organisation: KEYS[1] is a sorted set of the requests by when they expire, KEYS[2] a hash of what each holds ("key amount key amount", or
// "settled"). Keys that stand in a hold lie in the same slot, since all of an organisation have its tag.

const expire = `${readClock}
local function release(held)
  for key, amount in string.gmatch(held, '(%S+) (%-?%d+)') do
    if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, amount) end
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  local held = redis.call('HGET', KEYS[2], id)
  if held and held ~= 'settled' then release(held) end
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[1], id)
end`

/** ARGV: id, ms until it expires, whether it is more of the same; then for each pair of keys: limit, amount, weight of the second, ms it is kept, seeded. */
const reserveScript = `${expire}
local id, expireMs, more = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local count = (#KEYS - 2) / 2
local known = redis.call('HGET', KEYS[2], id)
local used, missing = {}, {}
for claim = 1, count do
  local key, before, at = KEYS[claim * 2 + 1], KEYS[claim * 2 + 2], claim * 5 - 1
  local value = redis.call('GET', key)
  if not value and ARGV[at + 4] == '1' then missing[#missing + 1] = claim - 1 end
  local weight = tonumber(ARGV[at + 2])
  local earlier = weight > 0 and tonumber(redis.call('GET', before) or 0) or 0
  used[claim] = tonumber(value or 0) + math.floor(earlier * weight)
end
if known and (not more or known == 'settled') then return { 'reserved', unpack(used) } end
if #missing > 0 then return { 'unseeded', unpack(missing) } end
for claim = 1, count do
  local at = claim * 5 - 1
  used[claim] = math.max(0, used[claim])
  if used[claim] + tonumber(ARGV[at + 1]) > tonumber(ARGV[at]) then return { 'refused', claim - 1, used[claim] } end
end
local held = known or ''
for claim = 1, count do
  local key, at = KEYS[claim * 2 + 1], claim * 5 - 1
  redis.call('INCRBY', key, ARGV[at + 1])
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[at + 3]) end
  held = held .. key .. ' ' .. ARGV[at + 1] .. ' '
  used[claim] = used[claim] + tonumber(ARGV[at + 1])
end
redis.call('HSET', KEYS[2], id, held)
redis.call('ZADD', KEYS[1], now + expireMs, id)
return { 'reserved', unpack(used) }`

/** ARGV: id, ms that it is remembered, then pairs of a key and what was used of it. */
const settleScript = `${expire}
local id = ARGV[1]
local known = redis.call('HGET', KEYS[2], id)
if known == 'settled' then return 0 end
if known then release(known) end
for index = 3, #ARGV, 2 do
  if redis.call('EXISTS', ARGV[index]) == 1 then redis.call('INCRBY', ARGV[index], ARGV[index + 1]) end
end
redis.call('HSET', KEYS[2], id, 'settled')
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), id)
return 1`

/** ARGV: id. */
const giveBackScript = `${expire}
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known or known == 'settled' then return 0 end
release(known)
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1`

/** KEYS[3]: what is raised. ARGV: what the ledger says. */
const raiseScript = `${expire}
local was = redis.call('GET', KEYS[3])
if not was then return {} end
local reserved = 0
for _, held in ipairs(redis.call('HVALS', KEYS[2])) do
  for key, amount in string.gmatch(held, '(%S+) (%-?%d+)') do if key == KEYS[3] then reserved = reserved + tonumber(amount) end end
end
local due = tonumber(ARGV[1]) + reserved
if due > tonumber(was) then redis.call('INCRBY', KEYS[3], string.format('%.0f', due - was)) end
return { was, string.format('%.0f', due) }`

/** Shared by all servers of a cloud; `own` is used while Redis is gone. */
export function createRedisCounters({ redis, own }: { redis: SharedRedis; own: Counters }): Counters {
  const [runReserve, runSettle, runRaise, runGiveBack] = [reserveScript, settleScript, raiseScript, giveBackScript].map(createScript)
  const at = (organisationId: string, name: string) => `fusion:budget:{${organisationId}}:${name}`
  const books = (organisationId: string) => [at(organisationId, 'expiries'), at(organisationId, 'reservations')]

  async function orOwn<T>(ask: () => Promise<T>, alone: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof RedisGone) return alone()
      throw error
    }
  }

  return {
    reserve(reserving) {
      const { organisationId, id, claims, expireMs, more = false } = reserving
      const keys = [
        ...books(organisationId),
        ...claims.flatMap(({ key, before }) => [at(organisationId, key), at(organisationId, before?.key ?? key)]),
      ]
      const values = [
        id,
        expireMs,
        more ? 1 : 0,
        ...claims.flatMap(({ limit, amount, before, keepMs, seeded }) => [
          limit,
          amount,
          before?.weight ?? 0,
          Math.ceil(keepMs),
          seeded ? 1 : 0,
        ]),
      ]
      return orOwn(
        async (): Promise<Reserved> => {
          const [outcome, ...told] = await redis.ask(
            async client => (await runReserve!(client, keys, values)) as [string, ...(string | number)[]],
          )
          const numbers = told.map(Number)
          if (outcome === 'unseeded') return { outcome, keys: numbers.map(index => claims[index]!.key) }
          if (outcome === 'refused') return { outcome, index: numbers[0]!, used: numbers[1]! }
          return { outcome: 'reserved', used: numbers }
        },
        () => own.reserve(reserving),
      )
    },
    seed: (organisationId, key, value, keepMs) =>
      orOwn(
        async () => void (await redis.ask(client => client.set(at(organisationId, key), Math.round(value), 'PX', Math.ceil(keepMs), 'NX'))),
        () => own.seed(organisationId, key, value, keepMs),
      ),
    settle(organisationId, id, used) {
      const pairs = Object.entries(used).flatMap(([key, amount]) => [at(organisationId, key), Math.round(amount)])
      return orOwn(
        async () => {
          await redis.ask(client => runSettle!(client, books(organisationId), [id, SETTLED_MS, ...pairs]))
          // What was taken here while Redis was gone.
          await own.settle(organisationId, id, {})
        },
        () => own.settle(organisationId, id, used),
      )
    },
    giveBack: (organisationId, id) =>
      orOwn(
        async () => {
          await redis.ask(client => runGiveBack!(client, books(organisationId), [id]))
          await own.giveBack(organisationId, id)
        },
        () => own.giveBack(organisationId, id),
      ),
    raise: (organisationId, key, value) =>
      orOwn(
        async () => {
          const keys = [...books(organisationId), at(organisationId, key)]
          const told = await redis.ask(async client => (await runRaise!(client, keys, [Math.round(value)])) as string[])
          return told.length === 0 ? undefined : { was: Number(told[0]), due: Number(told[1]) }
        },
        () => own.raise(organisationId, key, value),
      ),
  }
}
