import { removeEnded } from '../../database/authorizations.ts'
import type { Database } from '../../database/connection.ts'
import type { User } from '../../database/users.ts'
import type { Caller } from '../caller.ts'
import type { Cache } from '../cache/cache.ts'
import type { Audit } from '../security/audit.ts'
import type { Clock } from '../clock.ts'
import { createAccessTokens } from './access-token.ts'
import { createInvitations, type Invitations } from './invitations.ts'
import { createLocalAccounts, type LocalAccounts } from './local-accounts.ts'
import { createGrants, type Grants } from './oauth/grants.ts'
import { createFinishSignIn } from './oauth/purpose.ts'
import { createOwnForms, type OwnForms } from './own-forms.ts'
import { deriveKey } from './secret-key.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

/** Longer than a wait for the next try can be, and than a used code could be brought again. */
const KEPT_MS = 2 * 86_400_000

export interface Identity {
  keys: SigningKeys
  sessions: Sessions
  local: LocalAccounts
  grants: Grants
  invitations: Invitations
  forms: OwnForms
  /**
   * Somebody has proven who they are: gives what they sign in for, and says where their browser goes now. Throws `sign-in-unknown`,
   * `device-code-wrong`.
   */
  finishSignIn(purpose: string, user: Pick<User, 'id'>): Promise<string>
  /** Who holds this access token; null where it is not good (any more). */
  callerOf(accessToken: string): Promise<Caller | null>
  /** Removes from the database what ended long ago. */
  sweep(): Promise<void>
}

export interface IdentityOptions {
  database: Database
  secretKey: Buffer
  audit: Audit
  /** Of who is in which session, for half a minute. */
  cache: Cache
  /** Where people and programs reach this cloud; known when it listens. */
  publicUrl: () => string
  clock: Clock
}

export function createIdentity({ database, secretKey, audit, cache, publicUrl, clock }: IdentityOptions): Identity {
  const keys = createSigningKeys({ database, wrappingKey: deriveKey(secretKey, 'signing keys'), clock })
  const tokens = createAccessTokens({ keys, issuer: publicUrl, clock })
  const sessions = createSessions({ database, tokens, secretKey, audit, cache, clock })
  const local = createLocalAccounts({ database, clock })
  return {
    keys,
    sessions,
    local,
    grants: createGrants({ database, sessions, publicUrl, clock }),
    invitations: createInvitations({ database, local, audit, publicUrl, clock }),
    forms: createOwnForms({ key: deriveKey(secretKey, 'forms'), publicUrl }),
    finishSignIn: createFinishSignIn({ database, publicUrl, clock }),
    sweep: () => removeEnded(database, new Date(clock() - KEPT_MS)),
    async callerOf(accessToken) {
      const claimed = await tokens.check(accessToken)
      const session = claimed && (await sessions.find(claimed.sessionId))
      if (!session || session.userId !== claimed.userId) return null
      const { userId, organisationId, role, id } = session
      return { userId, organisationId, role, sessionId: id, apiKeyId: null, scopes: [] }
    },
  }
}
