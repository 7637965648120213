// Tells forms of our own pages from those that another site sends with somebody's browser: a secret of this browser in a cookie, and
// what only this server can make of it in the form. No session hangs on the cookie, so there is none to fix or to steal.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface OwnForms {
  /** What the form of this page has to bring along; sets the cookie where this browser has none. */
  open(request: FastifyRequest, reply: FastifyReply): string
  /** Whether a page of ours, in this browser, led here: the cookie goes along with nothing that begins at another site. */
  isOpen(request: FastifyRequest): boolean
  /** Throws `sign-in-stale` for what is not sent by a page of ours. */
  check(request: FastifyRequest, brought: string | undefined): void
}

export function createOwnForms({ key, publicUrl }: { key: Buffer; publicUrl: () => string }): OwnForms {
  const secure = () => publicUrl().startsWith('https:')
  // With this prefix a browser takes the cookie from no other host of the same site.
  const cookieName = () => (secure() ? '__Host-fusion-form' : 'fusion-form')
  const tokenOf = (secret: string) => createHmac('sha256', key).update(secret).digest()

  function secretIn({ headers }: FastifyRequest): string | undefined {
    for (const pair of (headers.cookie ?? '').split(';')) {
      const [name, value] = pair.trim().split('=')
      if (name === cookieName() && value && /^[\w-]{43}$/.test(value)) return value
    }
    return undefined
  }

  return {
    open(request, reply) {
      let secret = secretIn(request)
      if (!secret) {
        secret = randomBytes(32).toString('base64url')
        reply.header('set-cookie', `${cookieName()}=${secret}; Path=/; HttpOnly; SameSite=Strict${secure() ? '; Secure' : ''}`)
      }
      return tokenOf(secret).toString('base64url')
    },
    isOpen: request => secretIn(request) !== undefined && (request.headers['sec-fetch-site'] ?? 'same-origin') === 'same-origin',
    check(request, brought) {
      const secret = secretIn(request)
      const token = Buffer.from(brought ?? '', 'base64url')
      if (!secret || token.length !== 32 || !timingSafeEqual(token, tokenOf(secret))) throw failure('sign-in-stale')
    },
  }
}
