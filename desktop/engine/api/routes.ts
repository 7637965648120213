import type { ServerResponse } from 'node:http'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { Models } from '../models/models.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import type { Generations } from './generations.ts'
import type { Metrics } from './metrics.ts'
import { listModels, oneModel } from './model-list.ts'
import { sendJson } from './respond.ts'
import { responses } from './responses.ts'
import { tokenize } from './tokenize.ts'

/** A request that was let in, and its answer. */
export interface Exchange {
  /** After the route's path: the model's name in `/v1/models/NAME`. */
  rest: string
  /** undefined for a GET. */
  body: unknown
  response: ServerResponse
  /** For the answer, whatever it is. */
  headers: Record<string, string>
  /** Whoever asks. */
  client: string
  /** Aborts when the client has gone. */
  signal: AbortSignal
}

export interface Route {
  method: 'GET' | 'POST'
  /** Whether a key is wanted. */
  open?: boolean
  run(exchange: Exchange): Promise<void> | void
}

export interface RouteParts {
  models: Models
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  generations: Generations
  metrics: Metrics
}

export function createRoutes({ models, modelsKnown, generations, metrics }: RouteParts): Map<string, Route> {
  return new Map<string, Route>([
    ['/health', { method: 'GET', open: true, run: ({ response, headers }) => sendJson(response, 200, { status: 'ok' }, headers) }],
    [
      '/metrics',
      {
        method: 'GET',
        async run({ response, headers }) {
          const text = await metrics.text()
          response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store', ...headers }).end(text)
        },
      },
    ],
    [
      '/v1/models',
      {
        method: 'GET',
        async run({ rest, response, headers, signal }) {
          await unlessAborted(modelsKnown, signal)
          const { entries } = models.state()
          sendJson(response, 200, rest === '' ? listModels(entries) : oneModel(entries, rest), headers)
        },
      },
    ],
    ['/tokenize', { method: 'POST', run: exchange => tokenize(generations, models, exchange) }],
    ['/v1/chat/completions', { method: 'POST', run: exchange => chatCompletions(generations, exchange) }],
    ['/v1/completions', { method: 'POST', run: exchange => completions(generations, exchange) }],
    ['/v1/responses', { method: 'POST', run: exchange => responses(generations, exchange) }],
    [
      '/v1/embeddings',
      {
        method: 'POST',
        run() {
          throw new WrongRequest('Fusion has no model that makes embeddings yet.', { status: 501, code: 'no_embedding_model' })
        },
      },
    ],
  ])
}
