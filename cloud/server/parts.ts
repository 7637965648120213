import type { FastifyRequest } from 'fastify'
import type { Database } from '../database/connection.ts'
import type { Caller } from './caller.ts'
import type { Config } from './config.ts'

/** What the server is put together from: `start.ts` opens them for real, tests pass real small ones. */
export interface Parts {
  config: Config
  database: Database
  /** Who calls; null where the request names nobody. Throws `signed-out` for a token or key that is not good (any more). */
  authenticate(request: FastifyRequest): Promise<Caller | null>
}
