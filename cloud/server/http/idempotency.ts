// A write that is asked for twice under the same key is done once, and answered the same.
import { createHash } from 'node:crypto'
import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Database } from '../../database/connection.ts'
import { giveKeyBack, keepAnswerOf, takeKey } from '../../database/idempotency-keys.ts'
import { seal, unseal } from '../auth/seal.ts'

/** Longer than any write takes; where its server died, the same request is done again after it. */
const LEASE_SECONDS = 60
/** Bytes of an answer that is kept. A longer one is done again. */
const MOST_BYTES = 1_000_000
const KEY = /^[\x21-\x7e]{1,200}$/

/**
 * Whether a route takes an `Idempotency-Key`: writes of who is known, in JSON. Files are named by their content, and answers of models by an
 * id of the client's, so that those are done once as it is.
 */
export const takesKey = ({ method, access, bodyType, events }: Route): boolean =>
  method !== 'GET' && access.who !== 'anybody' && !bodyType && !events

interface Taken {
  userId: string
  key: string
  requestHash: Buffer
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The key that this request has taken, and has to give back or keep its answer under. */
    taken: Taken | null
  }
}

/** `sealingKey`: answers may hold what is shown only once. */
export function answerOnce(app: FastifyInstance, { database, sealingKey }: { database: Database; sealingKey: Buffer }): void {
  app.decorateRequest('taken', null)

  app.addHook('preHandler', async (request, reply) => {
    const asked = taking(request)
    if (!asked) return
    const { userId, key, requestHash } = asked
    const known = await database.asUser(userId, tx => takeKey(tx, { key, requestHash, leaseSeconds: LEASE_SECONDS }))
    if (!known) {
      request.taken = asked
      return
    }
    if (!known.requestHash.equals(requestHash)) throw failure('request-differs')
    const answer = known.answer && unseal(sealingKey, idOf(asked), known.answer)
    if (known.status === null || typeof answer !== 'string') throw failure('request-running', undefined, { retryable: true })
    reply.code(known.status).header('idempotent-replayed', 'true')
    if (answer !== '') reply.type('application/json; charset=utf-8')
    // As it was written then, not as its schema would write it now.
    return reply.serializer(String).send(answer === '' ? undefined : answer)
  })

  app.addHook('onSend', async (request, { statusCode }, payload) => {
    const { taken } = request
    if (!taken) return payload
    request.taken = null
    const answer = typeof payload === 'string' ? payload : ''
    const done = statusCode < 400 && answer.length <= MOST_BYTES
    await database
      .asUser(taken.userId, tx =>
        done ? keepAnswerOf(tx, { ...taken, status: statusCode, answer: seal(sealingKey, idOf(taken), answer) }) : giveKeyBack(tx, taken),
      )
      // It was done all the same. Until the lease is over, whoever asks again is told that it is being worked on.
      .catch(() => request.log.warn('the answer to a write could not be kept'))
    return payload
  })
}

function taking({ headers, caller, routeOptions, method, url, body }: FastifyRequest): Taken | undefined {
  const key = headers['idempotency-key']
  const route = routeOptions.config.described
  if (key === undefined || !caller || !route || !takesKey(route)) return undefined
  if (typeof key !== 'string' || !KEY.test(key))
    throw new WrongRequest('An Idempotency-Key has 1 to 200 printable characters without spaces.', { code: 'idempotency_key_unfit' })
  const requestHash = createHash('sha256')
    .update(`${method} ${url}\n${JSON.stringify(body ?? null)}`)
    .digest()
  return { userId: caller.userId, key, requestHash }
}

const idOf = ({ userId, key }: Taken) => `${userId} ${key}`
