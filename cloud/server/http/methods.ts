import type { FastifyInstance } from 'fastify'
import { refusal } from './errors.ts'

interface Described {
  /** Parts of the address between slashes; `null` takes any. */
  parts: (string | null)[]
  /** It takes all that follows. */
  open: boolean
  method: string
}

/** The routes of this server, as addresses and methods. */
export interface RouteTable {
  /** The methods that an address takes; none where there is no such address. */
  methodsOf(url: string): string[]
}

/** To be made before the first route is. */
export function listRoutes(app: FastifyInstance): RouteTable {
  const routes: Described[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const open = url.endsWith('/*')
    const parts = (open ? url.slice(0, -2) : url).split('/').map(part => (part.startsWith(':') ? null : part))
    for (const one of [method].flat()) routes.push({ parts, open, method: one })
  })
  return {
    methodsOf(url) {
      const asked = (url.split('?', 1)[0] ?? '').split('/')
      const found = routes.filter(
        ({ parts, open }) =>
          (open ? asked.length > parts.length : asked.length === parts.length) &&
          parts.every((part, index) => (part === null ? asked[index] !== '' : part === asked[index])),
      )
      return [...new Set(found.map(({ method }) => method))].toSorted()
    },
  }
}

/**
 * An address that is there says which methods it takes: 405 for any other, 204 for OPTIONS. Said before a body is read, which no route is
 * there for.
 */
export function answerOtherMethods(app: FastifyInstance, table: RouteTable): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return
    const methods = table.methodsOf(request.url)
    if (methods.length === 0) throw refusal(404)
    reply.header('allow', [...methods, 'OPTIONS'].join(', '))
    if (request.method === 'OPTIONS') return reply.code(204).send()
    throw refusal(405)
  })
  // For a route that says of itself that it is not there.
  app.setNotFoundHandler(async () => {
    throw refusal(404)
  })
}
