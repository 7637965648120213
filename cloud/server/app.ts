import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { account } from './auth/account-routes.ts'
import { signInPages } from './auth/oauth/sign-in-routes.ts'
import { tokenRoutes } from './auth/oauth/token-routes.ts'
import { people } from './auth/people-routes.ts'
import { welcomePages } from './auth/welcome-routes.ts'
import { health } from './health/routes.ts'
import { createReadiness, type Readiness } from './health/readiness.ts'
import { allowOrigins } from './http/cross-origin.ts'
import { tellErrors } from './http/errors.ts'
import { readJsonBodies } from './http/json-body.ts'
import { type Limits, limits } from './http/limits.ts'
import { answerOtherMethods, listRoutes } from './http/methods.ts'
import { type OpenApi, openApiOf } from './http/openapi.ts'
import { requestIdOf } from './http/request-id.ts'
import { secureReplies } from './http/security-headers.ts'
import { mayCall } from './http/serve-route.ts'
import { refuseUnreadable } from './http/unreadable-requests.ts'
import type { Parts } from './parts.ts'
import { security } from './security/security.ts'
import { logging, logRequests } from './telemetry/logs.ts'
import { createMetrics, measureRequests } from './telemetry/metrics.ts'
import { traceRequests } from './telemetry/request-trace.ts'

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }

export type App = FastifyInstance & { readiness: Readiness }

/** The server, with every route; it listens nowhere yet. */
export async function createApp(parts: Parts, allowed: Limits = limits): Promise<App> {
  const { config } = parts
  const app = Fastify({
    logger: logging(config.logLevel),
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
    },
    routerOptions: { maxParamLength: allowed.parameterLength },
    clientErrorHandler: (error, socket) => refuseUnreadable(app.log, error, socket),
    forceCloseConnections: 'idle',
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)

  const recorder = config.tracesUrl ? (await import('./telemetry/otlp.ts')).createRecorder({ url: config.tracesUrl, version }) : undefined
  const reports = config.sentryDsn
    ? (await import('./telemetry/fault-reports.ts')).createFaultReports({ dsn: config.sentryDsn, version })
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
  await secureReplies(app)
  readJsonBodies(app)
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

  app.addHook('onRequest', async request => {
    const access = request.routeOptions.config.described?.access
    if (!access) return
    request.caller = await parts.authenticate(request)
    const may = mayCall(access, request.caller)
    if (may === 'unknown') throw failure('signed-out')
    if (may === 'forbidden') throw failure('not-allowed')
  })
  await app.register(health, { readiness, metricsToken: config.metricsToken, openApi })
  await app.register(account, parts)
  await app.register(people, parts)
  await app.register(tokenRoutes, parts)
  await app.register(signInPages, parts)
  await app.register(welcomePages, parts)
  await app.register(security, parts)
  return Object.assign(app, { readiness })
}
