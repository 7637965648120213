import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiState } from '@fusion/shared/contract/api.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { asApiError, WrongRequest } from '@fusion/shared/openai/failure.ts'
import { type FailureBody, isCancelled } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { framesOf, reasonOf } from '../log-error.ts'
import type { Models } from '../models/models.ts'
import type { ApiKeys } from '../storage/api-keys.ts'
import { createAccess } from './access.ts'
import { createGenerations } from './generations.ts'
import { createMetrics } from './metrics.ts'
import { modelNames } from './model-names.ts'
import { createQueue } from './queue.ts'
import { createBodyReader } from './read-body.ts'
import { sendError } from './respond.ts'
import { createRoutes, type Exchange, type Route } from './routes.ts'

/** The OpenAI-compatible API: answers HTTP requests with the models of this computer. Whoever has a server hands them over. */
export interface Api {
  /** Whether a path is one of the API's. */
  owns(path: string): boolean
  /** Answers a request. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Says where it stands open (null: it is closed), or why it could not be opened. */
  opened(at: { address: string | null; always: boolean; failure: FailureBody | null }): void
  state(): ApiState
  /** Calls the listener after a change of the state. */
  watch(listener: () => void): () => void
}

export interface ApiOptions {
  models: Models
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  keys: ApiKeys
  settings: () => Settings
  log: Log
  /** FUSION_API_KEY. */
  environmentKey: string | null
}

/** A request that waits takes its connection and its prompt's memory. */
const MAX_WAITING = 256

export function createApi({ models, modelsKnown, keys, settings, log, environmentKey }: ApiOptions): Api {
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of listeners) listener()
  }
  const queue = createQueue({ places: modelId => models.ready(modelId)?.loaded.sequences ?? 1, maxWaiting: MAX_WAITING })
  const metrics = createMetrics({ models, queue })
  const generations = createGenerations({ models, modelsKnown, queue, metrics, onChange: changed })
  const routes = createRoutes({ models, modelsKnown, generations, metrics })
  const readBody = createBodyReader()
  const access = createAccess({ keys, settings, environmentKey })
  let at: Parameters<Api['opened']>[0] = { address: null, always: false, failure: null }

  function find(path: string): { route: Route; rest: string } | undefined {
    const own = routes.get(path)
    if (own) return { route: own, rest: '' }
    const models = '/v1/models/'
    return path.startsWith(models) ? { route: routes.get('/v1/models')!, rest: decoded(path.slice(models.length)) } : undefined
  }

  async function answer(request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): Promise<void> {
    const path = pathOf(request)
    const found = find(path)
    if (!found) throw new WrongRequest(`Invalid URL (${request.method} ${path})`, { status: 404, code: 'unknown_url' })
    const { route, rest } = found
    const client = route.open ? '' : access.client(request.headers)
    if (request.method !== route.method) {
      throw new WrongRequest(`Method ${request.method} is not allowed here; use ${route.method}.`, {
        status: 405,
        code: 'method_not_allowed',
      })
    }
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const body = route.method === 'POST' ? await readBody(request, response) : undefined
    const exchange: Exchange = { rest, body, response, headers, client, signal: gone.signal }
    await route.run(exchange)
  }

  return {
    owns: path => path === '/health' || path === '/metrics' || path === '/tokenize' || path === '/v1' || path.startsWith('/v1/'),
    async handle(request, response) {
      let headers: Record<string, string> = {}
      try {
        if (!access.hostIsAllowed(request.headers)) {
          throw new WrongRequest('This server may not be called by this name. Allow it in Fusion under Server.', {
            status: 421,
            code: 'unknown_host',
          })
        }
        const forPage = access.originHeaders(request.headers)
        if (!forPage) {
          throw new WrongRequest('This web page may not use this server. Allow it in Fusion under Server.', {
            status: 403,
            code: 'unknown_origin',
          })
        }
        headers = forPage
        if (request.method === 'OPTIONS') return void response.writeHead(204, headers).end()
        await answer(request, response, headers)
      } catch (error) {
        // The client has gone, in the middle of its request or while it was answered.
        if (response.destroyed && (isCancelled(error) || error === request.errored)) return
        // What a client did wrong, or has to wait for, it is told; what went wrong here is for the log too.
        if (!(error instanceof WrongRequest) && asApiError(error).status >= 500) report(error)
        if (response.headersSent) return void response.end()
        // The rest of a body that was refused is not read: the connection goes with the answer.
        sendError(response, error, { ...headers, ...(!request.complete && { connection: 'close' }) })
      }
    },
    opened(where) {
      at = where
      changed()
    },
    state() {
      const { entries } = models.state()
      const loads = entries.map(({ id }) => queue.load(id))
      return {
        ...at,
        keys: keys.all(),
        environmentKey: environmentKey !== null,
        running: loads.reduce((sum, { running }) => sum + running, 0),
        waiting: loads.reduce((sum, { waiting }) => sum + waiting, 0),
        tokensPerSecond: metrics.tokensPerSecond(),
        models: [...modelNames(entries).keys()],
      }
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  function report(error: unknown): void {
    log.warn({ error: reasonOf(error), stack: framesOf(error) }, 'api request failed')
  }
}

/** What is no encoding stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const pathOf = ({ url = '/' }: IncomingMessage) => url.replace(/\?.*$/, '').replace(/(.)\/$/, '$1')
