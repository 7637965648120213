import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { EventTail, GenerationKey } from '../chat/event-tail.ts'
import { RedisGone, type SharedRedis } from './redis.ts'
import { createScript } from './redis-script.ts'

/** After its last event; an answer takes ten minutes at most, and all of it is in the database. */
const KEPT_MS = 900_000
/** Of one answer; what comes after is read from the database alone. */
const MOST_EVENTS = 20_000
const READ_EVENTS = 500

/** ARGV: the seq of the first event, how long they are kept in ms, the events. What came twice is there once; after a gap nothing is taken. */
const append = createScript(`local known = redis.call('LLEN', KEYS[1]) - (tonumber(ARGV[1]) - 1)
if known < 0 then return 0 end
for index = 3 + known, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[index])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

/** A list for each answer, in which an event stands at its seq. Without Redis it takes nothing and knows nothing. */
export function createRedisEventTail(redis: SharedRedis): EventTail {
  const name = ({ userId, id }: GenerationKey) => `fusion:{${userId}}:generation:${id}`
  const unlessGone = <T>(asked: Promise<T>, instead: T) =>
    asked.catch((error: unknown) => {
      if (error instanceof RedisGone) return instead
      throw error
    })
  return {
    async append(of, firstSeq, events) {
      if (firstSeq + events.length > MOST_EVENTS) return false
      const values = [firstSeq, KEPT_MS, ...events.map(event => JSON.stringify(event))]
      return unlessGone(
        redis.ask(async client => (await append(client, [name(of)], values)) === 1),
        false,
      )
    },
    read: (of, after) =>
      unlessGone(
        redis.ask(async client => {
          const found = await client.lrange(name(of), after, after + READ_EVENTS - 1)
          return found.map((text, index) => ({ seq: after + index + 1, event: JSON.parse(text) as GenerationEvent }))
        }),
        [],
      ),
  }
}
