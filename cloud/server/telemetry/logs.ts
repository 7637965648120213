import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { currentTrace } from './trace.ts'

/** An error without its message, which may hold what a person wrote. */
export const withoutWords = (error: unknown) =>
  error instanceof Error
    ? {
        name: error.name,
        code: (error as { code?: string }).code,
        frames: error.stack
          ?.split('\n')
          .filter(line => line.startsWith('    at '))
          .slice(0, 12),
      }
    : { name: typeof error }

/** Lines of JSON to the standard output, with the ids of request and trace. Whatever is logged as `err`, `req` or `res` comes without content. */
export function logging(level: string): NonNullable<FastifyServerOptions['logger']> {
  return {
    level,
    base: null,
    mixin: () => {
      const trace = currentTrace()
      return trace ? { trace: trace.traceId } : {}
    },
    serializers: {
      err: withoutWords as never,
      req: ({ method }: { method: string }) => ({ method }),
      res: ({ statusCode }: { statusCode?: number }) => ({ status: statusCode }),
    },
  }
}

/** One line for each request, when its reply has ended: which route, how it went, how long it took, who asked. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => {
      const whole = reply.raw.writableFinished
      const line = {
        method: request.method,
        route: request.routeOptions.config.described?.path ?? null,
        status: reply.raw.headersSent ? reply.raw.statusCode : null,
        ms: Math.round(reply.elapsedTime),
        user: request.caller?.userId ?? null,
        ...(!whole && { cut: true }),
      }
      request.log.info(line, 'request')
    })
    done()
  })
}
