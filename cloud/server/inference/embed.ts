import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyReply } from 'fastify'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { asFailure, ServerLost, ServerRefused } from './model-server.ts'
import type { Models } from './models.ts'

const Embedded = Type.Object({
  data: Type.Array(Type.Unknown()),
  usage: Type.Optional(Type.Object({ prompt_tokens: Type.Optional(Type.Integer({ minimum: 0 })) })),
})

/** Embeddings of a server whose model makes them; 501 where it makes none. A closed connection is the cancel. */
export async function embed(
  models: Models,
  path: string,
  body: { model: string },
  reply: FastifyReply,
): Promise<{ server: string; made: Static<typeof Embedded> }> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const server = models.choose(body.model)
  try {
    const passed = await server.pass(path, { ...body, cache_salt: undefined }, gone.signal)
    if (passed.statusCode !== 200) {
      await passed.body.dump()
      if (passed.statusCode === 429 || passed.statusCode >= 502) throw new ServerRefused(passed.statusCode)
      // vLLM has no such route for a model that makes none; the local API says 501.
      throw new WrongRequest('This model makes no embeddings.', { status: 501, code: 'no_embedding_model', param: 'model' })
    }
    const made: unknown = await passed.body.json().catch(() => undefined)
    if (!Value.Check(Embedded, made)) throw new ServerLost('the model server sent no embeddings')
    return { server: server.label, made }
  } catch (error) {
    throw asFailure(error)
  }
}
