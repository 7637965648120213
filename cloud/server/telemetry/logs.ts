import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { currentTrace } from './trace.ts'

/** An error without its message, which may hold what a person wrote. */
const withoutWords = (error: unknown) =>
  error instanceof Error
    ? {
        name: error.name,
        code: (error as { code?: string }).code,
        // After the message, in which lines that look like frames may stand.
        frames: error.stack
          ?.slice(error.stack.indexOf(error.message) + error.message.length)
          .split('\n')
          .filter(line => line.startsWith('    at '))
          .slice(0, 12),
      }
    : { name: typeof error }

export interface LogTarget {
  write(line: string): void
}

/** Lines of JSON to the standard output, with the ids of request and trace. Whatever is logged as `err`, `req` or `res` comes without content. */
export function logging({ level, to }: { level: string; to?: LogTarget | undefined }): NonNullable<FastifyServerOptions['logger']> {
  return {
    level,
    ...(to && { stream: to }),
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
