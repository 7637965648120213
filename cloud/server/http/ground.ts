import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { chatRoutes } from '@fusion/shared/contract/cloud/chat.ts'
import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { health } from '../health/routes.ts'
import { createReadiness, type Readiness } from '../health/readiness.ts'
import { type Asking, createAdmission } from '../limits/limit-requests.ts'
import { allowOrigins } from './cross-origin.ts'
import { tellErrors } from './errors.ts'
import { readJsonBodies } from './json-body.ts'
import { type Limits, limits } from './limits.ts'
import { answerOtherMethods, listRoutes } from './methods.ts'
import { type OpenApi, openApiOf } from './openapi.ts'
import { requestIdOf } from './request-id.ts'
import { secureReplies } from './security-headers.ts'
import { mayCall } from './serve-route.ts'
import { closeSilentConnections } from './silent-connections.ts'
import { checkBySchema } from './validation.ts'
import { refuseUnreadable } from './unreadable-requests.ts'
import type { Caller } from '../caller.ts'
import type { Parts } from '../parts.ts'
import { logging, logRequests, type LogTarget } from '../telemetry/logs.ts'
import { createMetrics, measureRequests } from '../telemetry/metrics.ts'
import { traceRequests } from '../telemetry/request-trace.ts'

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }

declare module 'fastify' {
  interface FastifyInstance {
    /** Who asks for what this route gives, counted as a request for it. Throws where they may not, or do too often. */
    enter(asked: Route, asking: Asking): Promise<Caller | null>
  }
}

/** A server, and what says whether it is ready. */
export type App = FastifyInstance & { readiness: Readiness }

export type GroundParts = Pick<Parts, 'config' | 'authenticate' | 'checks' | 'limits'> & { database: Pick<Parts['database'], 'pool'> }

export interface GroundOptions {
  allowed?: Limits
  /** The standard output, where nothing else is said. */
  logTo?: LogTarget
}

/**
 * What every route stands on: ids and traces, logs and figures, refusals in one shape, who may call. It serves how it stands and what it can
 * be asked; features add their routes to it.
 */
export async function createGround(parts: GroundParts, { allowed = limits, logTo }: GroundOptions = {}): Promise<App> {
  const { config } = parts
  const app = Fastify({
    logger: logging({ level: config.logLevel, to: logTo }),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    trustProxy: config.proxies?.split(',') ?? false,
    bodyLimit: allowed.bodyBytes,
    requestTimeout: allowed.requestMs,
    keepAliveTimeout: allowed.keepAliveMs,
    http: {
      maxHeaderSize: allowed.headerBytes,
      headersTimeout: allowed.headersMs,
      connectionsCheckingInterval: allowed.checkMs,
      // Any other request is answered as if it had not asked: Node keeps no time for a connection that it gave away.
      shouldUpgradeCallback: ({ method, url }) => method === 'GET' && url?.split('?', 1)[0] === chatRoutes.socket.path,
    },
    routerOptions: { maxParamLength: allowed.parameterLength },
    clientErrorHandler: (error, socket) => refuseUnreadable(app.log, error, socket),
    forceCloseConnections: 'idle',
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(checkBySchema)

  const recorder = config.tracesUrl ? (await import('../telemetry/otlp.ts')).createRecorder({ url: config.tracesUrl, version }) : undefined
  const reports = config.sentryDsn
    ? (await import('../telemetry/fault-reports.ts')).createFaultReports({ dsn: config.sentryDsn, version })
    : undefined
  app.addHook('onClose', async () => {
    await Promise.all([recorder?.close(), reports?.close()])
  })
  const metrics = createMetrics(parts)
  app.decorate('metrics', metrics)
  const readiness = createReadiness({ checks: parts.checks ?? {}, metrics })

  const routes: Route[] = []
  const table = listRoutes(app)
  app.addHook('onRoute', ({ config: { described } = {}, method, url }) => {
    if (!described) throw new Error(`${String(method)} ${url} is not described in the contract`)
    if (method === described.method) routes.push(described)
  })
  let described: OpenApi | undefined
  const openApi = () => (described ??= openApiOf(routes, { version }))

  app.decorateRequest('caller', null)
  traceRequests(app, recorder)
  logRequests(app)
  measureRequests(app, metrics)
  allowOrigins(app, { origins: config.origins, table })
  secureReplies(app)
  readJsonBodies(app)
  closeSilentConnections(app)
  answerOtherMethods(app, table)
  tellErrors(app, {
    onFailure: code => metrics.failures.inc({ code }),
    onFault: (error, request) =>
      reports?.report(error, {
        request: request.id,
        trace: request.trace.traceId,
        route: request.routeOptions.config.described?.path,
      }),
  })

  const admit = createAdmission({ ...parts, onRefused: by => metrics.requestsOverLimit.inc({ by }) })
  const enter = async (asked: Route, asking: Asking, setHeader: (name: string, value: string) => void = () => {}) => {
    const caller = await admit(asked, asking, setHeader)
    const may = mayCall(asked.access, caller)
    if (may === 'unknown') throw failure('signed-out')
    if (may === 'forbidden') throw failure('not-allowed')
    return caller
  }
  app.decorate('enter', enter)
  app.addHook('onRequest', async (request, reply) => {
    const asked = request.routeOptions.config.described
    if (asked) request.caller = await enter(asked, request, (name, value) => void reply.raw.setHeader(name, value))
  })
  await app.register(health, { readiness, metricsToken: config.metricsToken, openApi })
  return Object.assign(app, { readiness })
}
