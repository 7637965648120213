import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../caller.ts'

/** What API keys begin with. */
export const API_KEY_PREFIX = 'fusion_'

/** Who holds this; null where it is not good (any more). */
type Finder = (secret: string) => Promise<Caller | null>

/** Looks for `Authorization: Bearer …`: an API key, or an access token. Null where a request brings neither. */
export function createAuthenticate(find: {
  accessToken: Finder
  apiKey: Finder
}): (request: Pick<FastifyRequest, 'headers'>) => Promise<Caller | null> {
  return async ({ headers }) => {
    if (headers.authorization === undefined) return null
    const secret = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(headers.authorization)?.[1]
    const caller = secret ? await (secret.startsWith(API_KEY_PREFIX) ? find.apiKey(secret) : find.accessToken(secret)) : null
    if (!caller) throw failure('signed-out')
    return caller
  }
}
