import { createHash } from 'node:crypto'
import { ReplyError } from 'ioredis'
import type { RedisClient } from './redis.ts'

/** A script that Redis runs, sent whole only to a Redis that does not know it yet, as one does not that was started anew. */
export function createScript(script: string) {
  const sha = createHash('sha1').update(script).digest('hex')
  return (client: RedisClient, keys: string[], values: (string | number)[]): Promise<unknown> =>
    client.evalsha(sha, keys.length, ...keys, ...values).catch((error: unknown) => {
      if (error instanceof ReplyError && (error as Error).message.startsWith('NOSCRIPT'))
        return client.eval(script, keys.length, ...keys, ...values)
      throw error
    })
}
