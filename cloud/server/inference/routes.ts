import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import { openAiRoutes } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { embed } from './embed.ts'
import { passOn } from './pass-on.ts'
import type { Recorded } from './record.ts'

/** The models that can be asked, and OpenAI's API in front of them. */
export async function inference(app: FastifyInstance, { models, clock, record, policies, auto }: Parts): Promise<void> {
  serve(app, modelRoutes.models, async ({ caller }) => {
    const may = await policies.modelsOf(caller)
    return { object: 'list' as const, data: auto.listed(models.list().filter(({ id }) => may(id))) }
  })
  serve(app, modelRoutes.model, async ({ params, caller }) => {
    const may = await policies.modelsOf(caller)
    const found = auto.listed(models.list().filter(({ id }) => may(id))).find(({ id }) => id === params.model)
    if (!found) throw failure('cloud-model-unknown', { model: params.model })
    return found
  })

  /** Writes down how it went: also where it failed before the reply began. */
  async function recorded<T extends Pick<Recorded, 'usage' | 'server' | 'end'>>(
    request: Pick<Recorded, 'caller' | 'kind' | 'model'>,
    work: () => Promise<T>,
  ): Promise<T> {
    const startedAt = clock()
    let how: Pick<Recorded, 'usage' | 'server' | 'end'> = { usage: noUsage, server: null, end: 'failed' }
    try {
      const done = await work()
      how = done
      return done
    } finally {
      const { usage, server, end } = how
      record({ ...request, startedAt, usage, server, end })
    }
  }

  const streamed = [
    [openAiRoutes.chatCompletions, 'chat-completion'],
    [openAiRoutes.completions, 'completion'],
    [openAiRoutes.responses, 'response'],
  ] as const
  for (const [route, kind] of streamed) {
    serve(app, route, async ({ body: asked, caller, request, reply }) => {
      const recording = { caller, kind, model: asked.model }
      await recorded(recording, async () => {
        const body = await auto.forProgram(caller, asked, reply)
        recording.model = body.model
        const { systemPrompt } = await policies.admit(caller, body.model)
        return passOn({
          models,
          path: route.path,
          body,
          systemPrompt,
          cacheSalt: caller.userId,
          reply,
          told: error => app.told(error, request).body,
        })
      })
    })
  }

  serve(app, openAiRoutes.embeddings, async ({ body, caller, reply }) => {
    const { made } = await recorded({ caller, kind: 'embedding', model: body.model }, async () => {
      await policies.admit(caller, body.model)
      const embedded = await embed(models, openAiRoutes.embeddings.path, body, reply)
      const usage = { ...noUsage, promptTokens: embedded.made.usage?.prompt_tokens ?? 0 }
      return { ...embedded, usage, end: 'complete' }
    })
    return made
  })
}

const noUsage: GenerationUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }
