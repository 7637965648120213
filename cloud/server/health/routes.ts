import { healthRoutes } from '@fusion/shared/contract/cloud/health.ts'
import type { FastifyInstance } from 'fastify'
import { serve } from '../http/serve-route.ts'

/** Whether the server lives, and whether it can be sent requests. */
export async function health(app: FastifyInstance): Promise<void> {
  serve(app, healthRoutes.alive, async () => ({ status: 'alive' as const }))
}
