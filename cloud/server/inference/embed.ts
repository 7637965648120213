import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { askServers, type Watch } from './ask-servers.ts'
import { asFailure, ServerLost, ServerRefused } from './model-server.ts'
import type { Models, Wanted } from './models.ts'
import { beginWaiting, type Patience } from './token-patience.ts'

const Embedded = Type.Object({
  data: Type.Array(Type.Unknown()),
  usage: Type.Optional(Type.Object({ prompt_tokens: Type.Optional(Type.Integer({ minimum: 0 })) })),
})
export type Embedded = Static<typeof Embedded>

/** Embeddings of a server whose model makes them, in the time that a first token has; 501 where it makes none. `signal` is the cancel. */
export async function embed(
  models: Models,
  {
    wanted,
    path,
    body,
    patience,
    watch,
    signal,
  }: { wanted: Wanted; path: string; body: object; patience: Patience; watch: Watch; signal: AbortSignal },
): Promise<Embedded> {
  const asked = askServers<Embedded>({
    models,
    wanted,
    signal,
    watch,
    ask: async function* ({ server }) {
      const waiting = beginWaiting(patience, signal)
      try {
        const made = await server.whole(path, { ...body, cache_salt: undefined }, waiting.until)
        if (!Value.Check(Embedded, made)) throw new ServerLost('the model server sent no embeddings')
        yield made
      } finally {
        waiting.end()
      }
    },
    isProgress: () => true,
  })
  try {
    for await (const made of asked) return made
  } catch (error) {
    if (error instanceof ServerRefused && (error.status === 501 || (error.status !== 429 && error.status < 500))) throw none()
    throw asFailure(error)
  }
  throw none()
}

/** vLLM has no such route for a model that makes none; the local API says 501. */
const none = () => new WrongRequest('This model makes no embeddings.', { status: 501, code: 'no_embedding_model', param: 'model' })
