import { createHash, timingSafeEqual } from 'node:crypto'
import { healthRoutes } from '@fusion/shared/contract/cloud/health.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { serve } from '../http/serve-route.ts'
import type { OpenApi } from '../http/openapi.ts'
import type { Readiness } from './readiness.ts'

export interface HealthParts {
  readiness: Readiness
  metricsToken: string | null
  openApi: () => OpenApi
}

/** Whether the server lives, whether it can be sent requests, its figures, and what it can be asked. */
export async function health(app: FastifyInstance, { readiness, metricsToken, openApi }: HealthParts): Promise<void> {
  serve(app, healthRoutes.alive, async () => ({ status: 'alive' as const }))

  serve(app, healthRoutes.ready, async ({ reply }) => {
    const state = await readiness.read()
    reply.code(state.status === 'ready' || state.status === 'degraded' ? 200 : 503)
    return state
  })

  serve(app, healthRoutes.metrics, async ({ request }) => {
    if (!mayReadMetrics(request, metricsToken)) throw failure('not-allowed')
    // It tells how the parts stand now, not how they stood when a balancer asked last.
    await readiness.read()
    return app.metrics.registry.metrics()
  })

  serve(app, healthRoutes.openapi, async () => openApi())
}

/** With a token: whoever has it. Without: programs of this machine, by the connection itself, and not what a proxy on it passes on. */
function mayReadMetrics({ headers, socket }: FastifyRequest, token: string | null): boolean {
  if (token !== null) return timingSafeEqual(hash(headers.authorization ?? ''), hash(`Bearer ${token}`))
  const from = socket.remoteAddress ?? ''
  const local = from === '::1' || from.startsWith('127.') || from.startsWith('::ffff:127.')
  return local && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined
}

const hash = (text: string) => createHash('sha256').update(text).digest()
