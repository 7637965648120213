import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import { openAiRoutes } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { FastifyInstance } from 'fastify'
import { findOrganisation } from '../../database/organisations.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { embed } from './embed.ts'
import { passOn } from './pass-on.ts'

/** The models that can be asked, and OpenAI's API in front of them. */
export async function inference(app: FastifyInstance, { models, clock, record, database }: Parts): Promise<void> {
  serve(app, modelRoutes.models, async () => ({ object: 'list' as const, data: models.list() }))
  serve(app, modelRoutes.model, async ({ params }) => {
    const found = models.list().find(({ id }) => id === params.model)
    if (!found) throw failure('cloud-model-unknown', { model: params.model })
    return found
  })

  for (const route of [openAiRoutes.chatCompletions, openAiRoutes.completions, openAiRoutes.responses]) {
    serve(app, route, async ({ body, caller, request, reply }) => {
      const startedAt = clock()
      const organisation = await findOrganisation(database, caller.organisationId)
      const passed = await passOn({
        models,
        path: route.path,
        body,
        systemPrompt: organisation?.systemPrompt ?? null,
        cacheSalt: caller.userId,
        reply,
        told: error => app.told(error, request).body,
      })
      await record({ caller, requestId: newId(), model: body.model, startedAt, ...passed })
    })
  }

  serve(app, openAiRoutes.embeddings, async ({ body, caller, reply }) => {
    const startedAt = clock()
    const { server, made } = await embed(models, openAiRoutes.embeddings.path, body, reply)
    const usage = { promptTokens: made.usage?.prompt_tokens ?? 0, cachedTokens: 0, completionTokens: 0 }
    await record({ caller, requestId: newId(), model: body.model, startedAt, usage, server, end: 'complete' })
    return made
  })
}
