import { randomBytes } from 'node:crypto'
import type { TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { withdrawCodes } from '../../database/authorizations.ts'
import type { Database, Queryable } from '../../database/connection.ts'
import {
  createSession,
  findLiveSession,
  findRefreshSalt,
  listRecentSessions,
  type LiveSession,
  refreshSession,
  revokeSession,
  revokeSessions,
} from '../../database/sessions.ts'
import type { User } from '../../database/users.ts'
import type { Clock } from '../clock.ts'
import type { Cache } from '../cache/cache.ts'
import type { Audit } from '../security/audit.ts'
import type { AccessTokens } from './access-token.ts'
import { ACCESS_TOKEN_MS, REFRESH_WINDOW_MS, SESSION_CACHE_MS, SESSION_MS } from './lifetimes.ts'
import { isProven, makeRefreshToken, readRefreshToken } from './refresh-token.ts'

export interface NewDevice {
  user: Pick<User, 'id' | 'organisationId' | 'role'>
  clientId: string
  deviceName: string
}

export interface Sessions {
  /** A device that has just signed in gets its first tokens. `db`: where it is to be part of a transaction. */
  begin(device: NewDevice, db?: Queryable): Promise<{ sessionId: string; tokens: TokenReply }>
  /** The next tokens for a refresh token; undefined where it is not good, or no longer. `address`: network address of who brings it. */
  refresh(of: { token: string; clientId: string; address: string }): Promise<TokenReply | undefined>
  /** Whose session it is, at most 30 s old; undefined where it has ended. */
  find(id: string): Promise<LiveSession | undefined>
  /** Ends one session of this person (`id`), all but one (`except`), or all, with those that are about to begin. False where there was none. */
  end(of: { userId: string; id?: string; except?: string }): Promise<boolean>
  /** Ends the session that a refresh token is of, and gives it; undefined for a token that is none, or of one that was over. */
  endByToken(token: string): Promise<LiveSession | undefined>
  endById(id: string): Promise<LiveSession | undefined>
  /** What was known of this person's sessions is looked up anew: a role changed, or an account was closed. */
  forget(userId: string): Promise<void>
}

export function createSessions({
  database,
  tokens,
  secretKey,
  audit,
  cache,
  clock,
}: {
  database: Database
  tokens: AccessTokens
  secretKey: Buffer
  audit: Audit
  cache: Cache
  clock: Clock
}): Sessions {
  const nameOf = (id: string) => `session:${id}`

  /** A cache may keep things longer than it was told to, by a clock of its own: so the time stands in what is kept. */
  async function cached(id: string, now: number): Promise<LiveSession | undefined> {
    const text = await cache.get(nameOf(id))
    const entry = text === undefined ? undefined : (JSON.parse(text) as { session: LiveSession; until: number })
    return entry && now < entry.until ? entry.session : undefined
  }

  async function uncache(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(id => cache.delete(nameOf(id))))
  }

  async function tokensOf(session: LiveSession, salt: Buffer, counter: number): Promise<TokenReply> {
    const { id: sessionId, userId, organisationId, role } = session
    return {
      access_token: await tokens.make({ userId, sessionId, organisationId, role }),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_MS / 1000,
      refresh_token: makeRefreshToken(secretKey, { sessionId, salt }, counter),
    }
  }

  /** A token that this server made, whatever became of it since. */
  async function proven(token: string) {
    const read = readRefreshToken(token)
    const family = read && (await findRefreshSalt(database, read.sessionId))
    if (!read || !family || !isProven(secretKey, { sessionId: read.sessionId, salt: family.salt }, read)) return undefined
    return { ...read, ...family }
  }

  async function endById(id: string): Promise<LiveSession | undefined> {
    const ended = await revokeSession(database, id, new Date(clock()))
    await uncache([id])
    return ended
  }

  return {
    async begin({ user, clientId, deviceName }, db = database) {
      const now = clock()
      const id = newId()
      const salt = randomBytes(32)
      await createSession(db, {
        id,
        userId: user.id,
        clientId,
        deviceName,
        refreshSalt: salt,
        now: new Date(now),
        expiresAt: new Date(now + SESSION_MS),
      })
      const session = { id, userId: user.id, organisationId: user.organisationId, role: user.role }
      return { sessionId: id, tokens: await tokensOf(session, salt, 0) }
    },

    async refresh({ token, clientId, address }) {
      const read = await proven(token)
      if (!read || read.clientId !== clientId) return undefined
      const now = clock()
      const step = await refreshSession(database, {
        id: read.sessionId,
        counter: read.counter,
        now: new Date(now),
        expiresAt: new Date(now + SESSION_MS),
        windowMs: REFRESH_WINDOW_MS,
      })
      if (!step) return undefined
      if (step.successor === null) {
        await uncache([step.id])
        await audit.write({ event: 'refresh-reuse', organisationId: step.organisationId, subjectId: step.id, address })
        return undefined
      }
      return tokensOf(step, read.salt, step.successor)
    },

    async find(id) {
      const now = clock()
      const known = await cached(id, now)
      if (known) return known
      const session = await findLiveSession(database, id, new Date(now))
      if (session) await cache.set(nameOf(id), JSON.stringify({ session, until: now + SESSION_CACHE_MS }), SESSION_CACHE_MS)
      return session
    },

    async end(of) {
      const now = new Date(clock())
      // First, so that no session begins of what was confirmed before.
      if (!of.id) await withdrawCodes(database, of.userId, now)
      const ended = await revokeSessions(database, { ...of, now })
      await uncache(ended)
      return ended.length > 0
    },

    async endByToken(token) {
      const read = await proven(token)
      return read && endById(read.sessionId)
    },

    endById,

    async forget(userId) {
      await uncache(await listRecentSessions(database, userId, new Date(clock() - 2 * SESSION_CACHE_MS)))
    },
  }
}
