import type { Appended, EventTail, GenerationKey, Handover, TailEntry } from '../chat/event-tail.ts'
import { RedisGone, type SharedRedis } from './redis.ts'
import { createScript } from './redis-script.ts'

/** After its last event; an answer takes ten minutes at most, and all of it is in the database. */
const KEPT_MS = 900_000
/** Of one answer; what comes after is read from the database alone. */
const MOST_EVENTS = 20_000
const READ_EVENTS = 500
/** A longer request is not kept for another server. */
const MOST_REQUEST = 4_000_000

/** KEYS: the list of its events, and a hash of whose it is. ARGV: the owner, what another server needs to go on with it, how long that is kept in ms. */
const begin = createScript(`redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'owner', ARGV[1], 'handover', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`)

/**
 * KEYS: the same. ARGV: the owner, the seq of the first event, how long they are kept in ms, the events.
 * What came twice is there once; after a gap nothing is taken.
 */
const append = createScript(`local owner = redis.call('HGET', KEYS[2], 'owner')
if not owner then return 'none' end
if owner ~= ARGV[1] then return 'taken-over' end
local known = redis.call('LLEN', KEYS[1]) - (tonumber(ARGV[2]) - 1)
if known < 0 then return 'none' end
for index = 4 + known, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[index])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 'kept'`)

const takeOver = createScript(`if redis.call('EXISTS', KEYS[2]) == 0 then return {} end
redis.call('HSET', KEYS[2], 'owner', ARGV[1])
return { redis.call('HGET', KEYS[2], 'handover'), unpack(redis.call('LRANGE', KEYS[1], 0, 6999)) }`)

/** A list for each answer, in which an event stands at its seq. Without Redis it takes nothing and knows nothing. */
export function createRedisEventTail(redis: SharedRedis): EventTail {
  const name = ({ userId, id }: GenerationKey) => `fusion:{${userId}}:generation:${id}`
  const keys = (of: GenerationKey) => [name(of), `${name(of)}:owner`]
  const unlessGone = <T>(asked: Promise<T>, instead: T) =>
    asked.catch((error: unknown) => {
      if (error instanceof RedisGone) return instead
      throw error
    })
  return {
    async begin(of, owner, handover) {
      const text = JSON.stringify(handover)
      if (text.length > MOST_REQUEST) return false
      return unlessGone(
        redis.ask(async client => {
          await begin(client, keys(of), [owner, text, KEPT_MS])
          return true
        }),
        false,
      )
    },
    async append(of, owner, firstSeq, entries) {
      if (firstSeq + entries.length > MOST_EVENTS) return 'none'
      const values = [owner, firstSeq, KEPT_MS, ...entries.map(entry => JSON.stringify(entry))]
      return unlessGone(
        redis.ask(async client => (await append(client, keys(of), values)) as Appended),
        'none',
      )
    },
    read: (of, after) =>
      unlessGone(
        redis.ask(async client => {
          const found = await client.lrange(name(of), after, after + READ_EVENTS - 1)
          return found.map((text, index) => ({ seq: after + index + 1, event: (JSON.parse(text) as TailEntry).event }))
        }),
        [],
      ),
    takeOver: (of, owner) =>
      unlessGone(
        redis.ask(async client => {
          const [handover, ...entries] = (await takeOver(client, keys(of), [owner])) as string[]
          if (handover === undefined) return undefined
          // Lua hands back so many at once; more are fetched after it, since nobody else writes by now.
          for (let more = entries; more.length > 0 && entries.length % 7000 === 0;) {
            more = await client.lrange(name(of), entries.length, entries.length + 6999)
            entries.push(...more)
          }
          return { handover: JSON.parse(handover) as Handover, entries: entries.map(text => JSON.parse(text) as TailEntry) }
        }),
        undefined,
      ),
  }
}
