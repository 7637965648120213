import type { GenerateEvent, GenerateRequest } from '@fusion/shared/contract/inference.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { causeOf } from '../models/cause-of.ts'
import type { Models } from '../models/models.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { findModel } from './model-names.ts'
import type { Metrics } from './metrics.ts'
import type { Place, Queue } from './queue.ts'

/** What a program asks for, whichever route it came by. */
export interface Generation {
  modelId: string
  /** As the answer names it. */
  modelName: string
  request: Omit<GenerateRequest, 'chatId' | 'priority'>
  /** Whoever asks, for taking turns. */
  client: string
  signal: AbortSignal
}

export interface Generations {
  /** The model of that name. Right after a first start it waits for the files to be read. Throws OpenAI's 404 where there is none. */
  model(name: string, signal: AbortSignal): Promise<{ modelId: string; modelName: string }>
  /** Waits for its turn and for the model, and then tells the answer. Leaving the loop ends it. Throws the failure that it ended with. */
  run(generation: Generation): AsyncGenerator<GenerateEvent, void, void>
}

export interface GenerationsOptions {
  models: Models
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  queue: Queue
  metrics: Metrics
  /** Called when a request came or went, or made tokens. */
  onChange: () => void
}

export function createGenerations({ models, modelsKnown, queue, metrics, onChange }: GenerationsOptions): Generations {
  return {
    async model(wanted, signal) {
      let found = findModel(models.state().entries, wanted)
      if (!found) {
        await unlessAborted(modelsKnown, signal)
        found = findModel(models.state().entries, wanted)
      }
      if (!found) {
        throw new WrongRequest(`The model '${wanted}' does not exist. GET /v1/models lists those that do.`, {
          param: 'model',
          code: 'model_not_found',
          status: 404,
        })
      }
      return { modelId: found.entry.id, modelName: found.name }
    },
    async *run({ modelId, modelName, request, client, signal }) {
      const measured = metrics.begin(modelName)
      let place: Place | undefined
      try {
        const entering = queue.enter(modelId, client, signal)
        onChange()
        place = await entering
        onChange()
        const loaded = await models.acquire(modelId, { signal, onProgress: () => {} })
        // Until it stood ready, it was not known how many it can answer at once.
        queue.pump(modelId)
        try {
          for await (const event of loaded.client.chat.generate({ ...request, chatId: null, program: client, priority: 1 }, { signal })) {
            measured.take(event)
            onChange()
            yield event
          }
        } catch (error) {
          throw await causeOf(error, loaded)
        } finally {
          loaded.release()
        }
      } finally {
        place?.leave()
        measured.end()
        onChange()
      }
    },
  }
}
