import type { FastifyInstance } from 'fastify'
import type { RouteTable } from './methods.ts'

/** A preflight's answer is kept this long: Chromium keeps none for more than two hours. */
const MAX_AGE_SECONDS = 7_200
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, last-event-id, traceparent, tracestate, x-fusion-cache, x-request-id'
const REPLY_HEADERS = [
  'etag',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'traceparent',
  'x-fusion-budget-warning',
  'x-fusion-cache',
  'x-fusion-model',
  'x-fusion-model-reason',
  'x-request-id',
].join(', ')

/**
 * Web pages of the origins that the operator names may ask and read; no other may. No cookie goes along with what they ask: they bring an
 * access token. Without names no header of CORS is ever sent.
 */
export function allowOrigins(app: FastifyInstance, { origins, table }: { origins: string | null; table: RouteTable }): void {
  if (!origins) return
  const allowed = new Set(origins.split(',').map(origin => new URL(origin).origin))
  app.addHook('onRequest', async (request, reply) => {
    const { raw } = reply
    // Also for those who get nothing, so that no cache hands the reply of one origin to another.
    raw.setHeader('vary', 'Origin')
    const { origin } = request.headers
    if (!origin || !allowed.has(origin)) return
    raw.setHeader('access-control-allow-origin', origin)
    raw.setHeader('access-control-expose-headers', REPLY_HEADERS)
    if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) return
    raw.setHeader('access-control-allow-methods', table.methodsOf(request.url).join(', '))
    raw.setHeader('access-control-allow-headers', REQUEST_HEADERS)
    raw.setHeader('access-control-max-age', String(MAX_AGE_SECONDS))
  })
}
