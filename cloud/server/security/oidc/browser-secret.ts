// A secret of one browser, by which the way back from a provider is known to be that of the way there.
import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROVIDER_SIGN_IN_MS } from './provider-sign-in.ts'

/** `secure`: this cloud is reached by HTTPS. */
const nameOf = (secure: boolean) => (secure ? '__Host-fusion-provider' : 'fusion-provider')

export function secretIn({ headers }: FastifyRequest, secure: boolean): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === nameOf(secure) && value && /^[\w-]{43}$/.test(value)) return value
  }
  return undefined
}

/** The one that the browser has, or a new one. Lax, not strict: the provider's page sends the browser back here. */
export function keepSecret(request: FastifyRequest, reply: FastifyReply, secure: boolean): string {
  const secret = secretIn(request, secure) ?? randomBytes(32).toString('base64url')
  const lifetime = `Max-Age=${PROVIDER_SIGN_IN_MS / 1000}`
  reply.header('set-cookie', `${nameOf(secure)}=${secret}; Path=/; ${lifetime}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`)
  return secret
}
