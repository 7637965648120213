import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import { openAiRoutes } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance } from 'fastify'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { passOn } from './pass-on.ts'

/** The models that can be asked, and OpenAI's API in front of them. */
export async function inference(app: FastifyInstance, { models, clock, record }: Parts): Promise<void> {
  serve(app, modelRoutes.models, async () => ({ object: 'list' as const, data: models.list() }))
  serve(app, modelRoutes.model, async ({ params }) => {
    const found = models.list().find(({ id }) => id === params.model)
    if (!found) throw failure('cloud-model-unknown', { model: params.model })
    return found
  })

  for (const route of [openAiRoutes.chatCompletions, openAiRoutes.completions, openAiRoutes.responses]) {
    serve(app, route, async ({ body, caller, request, reply }) => {
      const startedAt = clock()
      const passed = await passOn({
        models,
        path: route.path,
        body,
        cacheSalt: caller.userId,
        reply,
        told: error => app.told(error, request).body,
      })
      await record({ caller, requestId: newId(), model: body.model, startedAt, ...passed })
    })
  }

  serve(app, openAiRoutes.embeddings, async ({ body, caller, reply }) => {
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const server = models.choose(body.model)
    const passed = await server.pass(openAiRoutes.embeddings.path, { ...body, cache_salt: undefined }, gone.signal)
    if (passed.statusCode !== 200) {
      await passed.body.dump()
      // vLLM has no such route for a model that makes none; the local API says 501.
      throw new WrongRequest('This model makes no embeddings.', { status: 501, code: 'no_embedding_model', param: 'model' })
    }
    const made = (await passed.body.json()) as { usage?: { prompt_tokens?: number } }
    const usage = { promptTokens: made.usage?.prompt_tokens ?? 0, cachedTokens: 0, completionTokens: 0 }
    await record({ caller, requestId: newId(), model: body.model, startedAt: clock(), usage, server: server.label, end: 'complete' })
    return made
  })
}
