import { timingSafeEqual } from 'node:crypto'
import type { Scope } from '@fusion/shared/contract/cloud/route.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import {
  type ApiKey,
  createApiKey,
  findHeldApiKey,
  type HeldApiKey,
  holdApiKey,
  listApiKeys,
  noteApiKeyUse,
  revokeApiKey,
  setApiKeyExpiry,
} from '../../database/api-keys.ts'
import type { Database, Queryable } from '../../database/connection.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { Actor } from './actor.ts'
import { makeApiKeyText, readApiKeyText } from './api-key-text.ts'
import type { Audit } from './audit.ts'

export interface MadeApiKey {
  key: ApiKey
  /** Shown once, kept nowhere. */
  text: string
}

export interface ApiKeys {
  /** Who holds this key; null where it is not good (any more). What was known is at most 30 s old. */
  authenticate(text: string): Promise<Caller | null>
  list(userId: string): Promise<ApiKey[]>
  /** Throws `time-past`, `too-many-keys`. */
  make(actor: Actor, key: { name: string; scopes: Scope[]; expiresAt: number | null }): Promise<MadeApiKey>
  /** A new key in the place of one that stays good for `keepMs`. Throws `not-found`, `too-many-keys`. */
  rotate(actor: Actor, id: string, keepMs: number): Promise<MadeApiKey>
  /** Ends a key of the actor, or (`anybodys`) of their organisation. Throws `not-found`. */
  revoke(actor: Actor, id: string, options?: { anybodys: boolean }): Promise<void>
  /** What was known of this person's keys is looked up anew. */
  forget(userId: string): void
}

/** As long as a session that ended elsewhere may still be taken for a living one. */
const CACHE_MS = 30_000
const CACHED = 50_000
const MOST = 100

export function createApiKeys({ database, audit, clock }: { database: Database; audit: Audit; clock: Clock }): ApiKeys {
  const cache = new Map<string, { key: HeldApiKey; until: number }>()

  function known(id: string, now: number): HeldApiKey | undefined {
    const entry = cache.get(id)
    if (entry && now < entry.until && (!entry.key.expiresAt || now < entry.key.expiresAt.getTime())) return entry.key
    cache.delete(id)
    return undefined
  }

  /** Keeps a key of this person in `tx`, and gives its text. */
  async function keep(tx: Queryable, key: ApiKey): Promise<string> {
    if ((await listApiKeys(tx, key.userId, key.createdAt)).length >= MOST) throw failure('too-many-keys', { count: MOST })
    const { text, secretHash } = makeApiKeyText(key.id)
    await createApiKey(tx, { ...key, secretHash })
    return text
  }

  return {
    async authenticate(text) {
      const read = readApiKeyText(text)
      if (!read) return null
      const now = clock()
      const kept = known(read.id, now)
      const key = kept ?? (await findHeldApiKey(database, read.id, new Date(now)))
      if (!key || !timingSafeEqual(read.secretHash, key.secretHash)) return null
      if (!kept) {
        await noteApiKeyUse(database, key.id, new Date(now))
        cache.set(key.id, { key, until: now + CACHE_MS })
        if (cache.size > CACHED) cache.delete(cache.keys().next().value!)
      }
      const { userId, organisationId, role, id, scopes } = key
      return { userId, organisationId, role, sessionId: null, apiKeyId: id, scopes }
    },

    list: userId => listApiKeys(database, userId, new Date(clock())),

    async make({ userId, organisationId, address }, { name, scopes, expiresAt }) {
      const now = clock()
      if (expiresAt !== null && expiresAt <= now) throw failure('time-past')
      const dates = { createdAt: new Date(now), expiresAt: expiresAt === null ? null : new Date(expiresAt), lastUsedAt: null }
      const key: ApiKey = { id: newId(), userId, name, scopes, replaces: null, ...dates }
      return database.transaction(async tx => {
        const text = await keep(tx, key)
        const detail = { scopes: scopes.join(' ') }
        await audit.write({ event: 'api-key-make', organisationId, actorId: userId, subjectId: key.id, address, detail }, tx)
        return { key, text }
      })
    },

    async rotate({ userId, organisationId, address }, id, keepMs) {
      const now = new Date(clock())
      const made = await database.transaction(async tx => {
        const old = await holdApiKey(tx, { id, userId, now })
        if (!old) throw failure('not-found')
        const until = now.getTime() + keepMs
        await setApiKeyExpiry(tx, id, new Date(Math.min(until, old.expiresAt?.getTime() ?? until)))
        const key: ApiKey = { ...old, id: newId(), replaces: id, createdAt: now, lastUsedAt: null }
        const text = await keep(tx, key)
        const detail = { replaces: id, keepMs }
        await audit.write({ event: 'api-key-rotate', organisationId, actorId: userId, subjectId: key.id, address, detail }, tx)
        return { key, text }
      })
      cache.delete(id)
      return made
    },

    async revoke({ userId, organisationId, address }, id, { anybodys } = { anybodys: false }) {
      const now = new Date(clock())
      await database.transaction(async tx => {
        const revoked = await revokeApiKey(tx, { id, now, ...(anybodys ? { organisationId } : { userId }) })
        if (!revoked) throw failure('not-found')
        const detail = { owner: revoked.userId }
        await audit.write({ event: 'api-key-revoke', organisationId, actorId: userId, subjectId: id, address, detail }, tx)
      })
      cache.delete(id)
    },

    forget(userId) {
      for (const [id, { key }] of cache) if (key.userId === userId) cache.delete(id)
    },
  }
}
