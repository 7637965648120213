import type { Database } from '../../database/connection.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { createAccessTokens } from './access-token.ts'
import { deriveKey } from './secret-key.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

export interface Identity {
  keys: SigningKeys
  sessions: Sessions
  /** Who holds this access token; null where it is not good (any more). */
  callerOf(accessToken: string): Promise<Caller | null>
}

export interface IdentityOptions {
  database: Database
  secretKey: Buffer
  /** Where people and programs reach this cloud; known when it listens. */
  publicUrl: () => string
  clock: Clock
}

export function createIdentity({ database, secretKey, publicUrl, clock }: IdentityOptions): Identity {
  const keys = createSigningKeys({ database, wrappingKey: deriveKey(secretKey, 'signing keys'), clock })
  const tokens = createAccessTokens({ keys, issuer: publicUrl, clock })
  const sessions = createSessions({ database, tokens, secretKey, clock })
  return {
    keys,
    sessions,
    async callerOf(accessToken) {
      const claimed = await tokens.check(accessToken)
      const session = claimed && (await sessions.find(claimed.sessionId))
      if (!session || session.userId !== claimed.userId) return null
      const { userId, organisationId, role, id } = session
      return { userId, organisationId, role, sessionId: id, apiKeyId: null, scopes: [] }
    },
  }
}
