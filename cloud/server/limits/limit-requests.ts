import type { Route } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyRequest } from 'fastify'
import { networkOf } from '../auth/sign-in-limits.ts'
import type { Caller } from '../caller.ts'
import type { Config } from '../config.ts'
import type { Limit, Limits, Taken } from './limits.ts'

export type Limiter = 'user' | 'key' | 'organisation' | 'address'

/** A request, or what is asked on a socket. */
export type Asking = Pick<FastifyRequest, 'headers' | 'ip' | 'log'>
type SetHeader = (name: string, value: string) => void

export interface RequestLimitOptions {
  limits: Limits
  config: Pick<Config, 'userRequests' | 'keyRequests' | 'organisationRequests' | 'addressRequests'>
  authenticate: (request: Pick<FastifyRequest, 'headers'>) => Promise<Caller | null>
  onRefused: (by: Limiter) => void
}

const MINUTE_MS = 60_000
/** So much of a minute's requests may come at once. */
const BURST = 1 / 4

/**
 * Finds out who calls, and whether they call too often: then `too-many-requests` is thrown. Whoever is known is counted by who they are, so that
 * an office behind one address is not held for one; whoever is not, or brings a token that is not good, by where they come from.
 */
export function createAdmission({ limits, config, authenticate, onRefused }: RequestLimitOptions) {
  async function take(wanted: [Limiter, tenant: string, perMinute: number][], request: Asking, setHeader: SetHeader): Promise<void> {
    const asked = wanted.filter(([, , perMinute]) => perMinute > 0)
    if (asked.length === 0) return
    const taken = await limits.take(asked.map(limitOf))
    const [by, , perMinute] = asked[taken.tightest]!
    tell(setHeader, by, perMinute, taken)
    if (taken.allowed) return
    onRefused(by)
    request.log.info({ by }, 'too many requests')
    throw failure('too-many-requests', { seconds: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)) })
  }

  return async (described: Route, request: Asking, setHeader: SetHeader): Promise<Caller | null> => {
    if (isExempt(described)) return authenticate(request)
    const byAddress: [Limiter, string, number] = ['address', `{${networkOf(request.ip)}}:address`, config.addressRequests]
    const caller = await authenticate(request).catch(async (error: unknown) => {
      await take([byAddress], request, setHeader)
      throw error
    })
    if (!caller) {
      await take([byAddress], request, setHeader)
      return null
    }
    const { organisationId, userId, apiKeyId } = caller
    // All with one tag, so that a Cluster keeps them on one node, where they are taken together.
    const tenant = `{${organisationId}}`
    await take(
      [
        ['user', `${tenant}:user:${userId}`, config.userRequests],
        ...(apiKeyId ? [['key', `${tenant}:key:${apiKeyId}`, config.keyRequests] satisfies [Limiter, string, number]] : []),
        ['organisation', `${tenant}:organisation`, config.organisationRequests],
      ],
      request,
      setHeader,
    )
    return caller
  }
}

const limitOf = ([, key, perMinute]: [Limiter, string, number]): Limit => ({
  key,
  limit: perMinute,
  perMs: MINUTE_MS,
  burst: Math.max(1, Math.ceil(perMinute * BURST)),
})

/** By draft-ietf-httpapi-ratelimit-headers-10: the limit that has fewest left. */
function tell(setHeader: SetHeader, by: Limiter, perMinute: number, { remaining, resetMs }: Taken): void {
  setHeader('ratelimit-policy', `"${by}";q=${perMinute};w=${MINUTE_MS / 1000}`)
  setHeader('ratelimit', `"${by}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`)
}

const exempt = new Set(['/healthz', '/readyz', '/metrics'])
/** What a balancer asks every second, and files that cost nothing to send. */
const isExempt = ({ method, path }: Route) => exempt.has(path) || (method === 'GET' && (path === '/admin' || path.startsWith('/admin/')))
