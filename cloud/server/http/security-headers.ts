import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/** Nothing that comes back may run, frame or load anything; a page says for itself what it needs. */
export async function secureReplies(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
    // Whoever may read a reply of another origin is said by CORS.
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  })
  // An answer is for whoever asked.
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.setHeader('cache-control', 'no-store')
  })
}
