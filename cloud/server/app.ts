import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { failure } from '@fusion/shared/contract/failures.ts'
import Fastify, { type FastifyInstance } from 'fastify'
import { account } from './auth/account-routes.ts'
import { health } from './health/routes.ts'
import { tellErrors } from './http/errors.ts'
import { mayCall } from './http/serve-route.ts'
import type { Parts } from './parts.ts'

const MAX_BODY = 16_000_000

/** The server, with every route; it listens nowhere yet. */
export async function createApp(parts: Parts): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: parts.config.logLevel },
    bodyLimit: MAX_BODY,
    disableRequestLogging: true,
    forceCloseConnections: 'idle',
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
  tellErrors(app)

  app.decorateRequest('caller', null)
  app.addHook('onRoute', ({ config, method, url }) => {
    if (!config?.described) throw new Error(`${String(method)} ${url} is not described in the contract`)
  })
  app.addHook('onRequest', async request => {
    const access = request.routeOptions.config.described?.access
    if (!access) return
    request.caller = await parts.authenticate(request)
    const may = mayCall(access, request.caller)
    if (may === 'unknown') throw failure('signed-out')
    if (may === 'forbidden') throw failure('not-allowed')
  })
  await app.register(health)
  await app.register(account, parts)
  return app
}
