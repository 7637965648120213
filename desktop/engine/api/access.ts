import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { ApiKeys } from '../storage/api-keys.ts'

/** Decides which programs may use the API, on a port that every program and every web page of this computer can reach. */
export interface Access {
  /** The request names this computer by a name that was allowed: not one that a web page had pointed here (DNS rebinding). */
  hostIsAllowed(headers: IncomingHttpHeaders): boolean
  /** Of a request from a web page: what its browser wants to be told. undefined: this page may not. A program's request has none. */
  originHeaders(headers: IncomingHttpHeaders): Record<string, string> | undefined
  /** Who asks, by its key. Throws OpenAI's 401. */
  client(headers: IncomingHttpHeaders): string
}

export interface AccessOptions {
  keys: ApiKeys
  settings: () => Settings
  /** FUSION_API_KEY. */
  environmentKey: string | null
}

const ENVIRONMENT = 'environment'
const ownNames = ['127.0.0.1', 'localhost', '[::1]']

export function createAccess({ keys, settings, environmentKey }: AccessOptions): Access {
  return {
    hostIsAllowed({ host }) {
      // Without the port: whoever forwards one to us (a container, a tunnel) may have another.
      const name = host?.replace(/:\d+$/, '').toLowerCase()
      return name !== undefined && [...ownNames, ...settings().apiHosts.map(allowed => allowed.toLowerCase())].includes(name)
    },
    originHeaders({ origin, 'access-control-request-headers': wished }) {
      if (origin === undefined) return {}
      if (!settings().apiOrigins.includes(origin)) return undefined
      return {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST, OPTIONS',
        // Clients name many of their own (OpenAI's x-stainless-…); none of them does anything here.
        'access-control-allow-headers': wished ?? 'authorization, content-type, x-api-key',
        'access-control-max-age': '600',
        vary: 'origin, access-control-request-headers',
      }
    },
    client(headers) {
      const secret = secretOf(headers)
      if (secret === undefined) {
        throw new WrongRequest(
          'This API wants a key: send it as "Authorization: Bearer KEY". Keys are made in Fusion under Server; FUSION_API_KEY sets one.',
          { status: 401, code: 'missing_api_key' },
        )
      }
      if (environmentKey !== null && equal(secret, environmentKey)) return ENVIRONMENT
      const key = keys.use(secret)
      if (!key) {
        throw new WrongRequest('This key is not one of the local API, or it was revoked. Keys are made in Fusion under Server.', {
          status: 401,
          code: 'invalid_api_key',
        })
      }
      return key.id
    },
  }
}

function secretOf({ authorization, 'x-api-key': own }: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer\s+(\S+)$/i.exec(authorization?.trim() ?? '')?.[1]
  return bearer ?? (typeof own === 'string' && own !== '' ? own : undefined)
}

/** Takes the same time wherever the two differ, and however long they are. */
function equal(offered: string, secret: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(offered), hash(secret))
}
