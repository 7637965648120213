import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import type { FastifyInstance } from 'fastify'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

/** The models that can be asked. */
export async function inference(app: FastifyInstance, { models }: Parts): Promise<void> {
  serve(app, modelRoutes.models, async () => ({ object: 'list' as const, data: models.list() }))
}
