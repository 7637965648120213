import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import helmet from 'helmet'

/** Nothing that comes back may run, frame or load anything; a page says for itself what it needs. */
export function secureReplies(app: FastifyInstance): void {
  const fixed = headersOf(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
      },
      // Whoever may read a reply of another origin is said by CORS.
      crossOriginResourcePolicy: { policy: 'same-origin' },
      referrerPolicy: { policy: 'no-referrer' },
      xFrameOptions: { action: 'deny' },
    }),
  )
  // An answer is for whoever asked.
  fixed.push(['cache-control', 'no-store'])
  app.addHook('onRequest', (_request, { raw }, done) => {
    for (const [name, value] of fixed) raw.setHeader(name, value)
    done()
  })
}

/** What it says of every reply: the same each time, so it is asked once. */
function headersOf(middleware: ReturnType<typeof helmet>): [name: string, value: string][] {
  const headers: [string, string][] = []
  const reply = { setHeader: (name: string, value: string) => headers.push([name, value]), removeHeader: () => {} }
  middleware({} as IncomingMessage, reply as unknown as ServerResponse, error => {
    if (error) throw error
  })
  return headers
}
