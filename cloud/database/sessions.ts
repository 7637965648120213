import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import type { Queryable } from './connection.ts'

export interface NewSession {
  id: string
  userId: string
  clientId: string
  deviceName: string
  refreshSalt: Buffer
  now: Date
  expiresAt: Date
}

export async function createSession(db: Queryable, session: NewSession): Promise<void> {
  const { id, userId, clientId, deviceName, refreshSalt, now, expiresAt } = session
  await db.query(
    `insert into sessions (id, user_id, client_id, device_name, refresh_salt, refreshed_at, created_at, last_used_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $6, $6, $7)`,
    [id, userId, clientId, deviceName, refreshSalt, now, expiresAt],
  )
}

/** Whose session it is; undefined where it ended, or its person may not come in any more. */
export interface LiveSession {
  id: string
  userId: string
  organisationId: string
  role: Role
}

export async function findLiveSession(db: Queryable, id: string, now: Date): Promise<LiveSession | undefined> {
  const [found] = await db.query<LiveSession>(
    `select s.id, s.user_id as "userId", u.organisation_id as "organisationId", u.role
     from sessions s join users u on u.id = s.user_id
     where s.id = $1 and s.revoked_at is null and s.expires_at > $2 and u.disabled_at is null`,
    [id, now],
  )
  return found
}

/** What the refresh tokens of a session are derived with. It never changes. */
export async function findRefreshSalt(db: Queryable, id: string): Promise<{ salt: Buffer; clientId: string } | undefined> {
  const [found] = await db.query<{ salt: Buffer; clientId: string }>(
    'select refresh_salt as salt, client_id as "clientId" from sessions where id = $1',
    [id],
  )
  return found
}

export interface Refresh {
  id: string
  /** Of the token that came, which was proven to be one of this session. */
  counter: number
  now: Date
  expiresAt: Date
  windowMs: number
}

export interface Refreshed extends LiveSession {
  /** Counter of the successor; null where the token had been used long before: whoever holds it, the session is ended. */
  successor: number | null
}

const newest = '$2 = s.refresh_counter'
const before = `($2 = s.refresh_counter - 1 and $3 < s.refreshed_at + $5 * interval '1 ms')`

/**
 * One step of the family, under a lock of its row: the newest token gives the next; the one before it gives the same next within the window;
 * any older one, or later, ends the session. Undefined where the session is over.
 */
export async function refreshSession(db: Queryable, { id, counter, now, expiresAt, windowMs }: Refresh): Promise<Refreshed | undefined> {
  const [row] = await db.query<Refreshed>(
    `update sessions s set
       refresh_counter = case when ${newest} then s.refresh_counter + 1 else s.refresh_counter end,
       refreshed_at = case when ${newest} then $3 else s.refreshed_at end,
       last_used_at = case when ${newest} or ${before} then $3 else s.last_used_at end,
       expires_at = case when ${newest} then $4 else s.expires_at end,
       revoked_at = case when ${newest} or ${before} then null else $3 end
     from users u
     where s.id = $1 and u.id = s.user_id and s.revoked_at is null and s.expires_at > $3 and u.disabled_at is null
     returning s.id, s.user_id as "userId", u.organisation_id as "organisationId", u.role,
       case when s.revoked_at is null then s.refresh_counter end as successor`,
    [id, counter, now, expiresAt, windowMs],
  )
  return row
}

export interface SessionEntry {
  id: string
  clientId: string
  deviceName: string
  createdAt: Date
  lastUsedAt: Date
}

export async function listSessions(db: Queryable, userId: string, now: Date): Promise<SessionEntry[]> {
  return db.query<SessionEntry>(
    `select id, client_id as "clientId", device_name as "deviceName", created_at as "createdAt", last_used_at as "lastUsedAt"
     from sessions where user_id = $1 and revoked_at is null and expires_at > $2 order by last_used_at desc, id`,
    [userId, now],
  )
}

/** Sessions of this person that go on, or ended after `endedAfter`. */
export async function listRecentSessions(db: Queryable, userId: string, endedAfter: Date): Promise<string[]> {
  const rows = await db.query<{ id: string }>('select id from sessions where user_id = $1 and (revoked_at is null or revoked_at > $2)', [
    userId,
    endedAfter,
  ])
  return rows.map(row => row.id)
}

/** Ends one session of this person (`id`), all but one (`except`), or all; gives the ids of those that it ended. */
export async function revokeSessions(
  db: Queryable,
  { userId, id, except, now }: { userId: string; id?: string; except?: string; now: Date },
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `update sessions set revoked_at = $2 where user_id = $1 and revoked_at is null
       and ($3::uuid is null or id = $3) and id is distinct from $4::uuid returning id`,
    [userId, now, id ?? null, except ?? null],
  )
  return rows.map(row => row.id)
}

/** Ends a session by its id alone: of a refresh token, or of a code that came twice. Undefined where it was over. */
export async function revokeSession(db: Queryable, id: string, now: Date): Promise<LiveSession | undefined> {
  const [ended] = await db.query<LiveSession>(
    `update sessions s set revoked_at = $2 from users u where s.id = $1 and u.id = s.user_id and s.revoked_at is null
     returning s.id, s.user_id as "userId", u.organisation_id as "organisationId", u.role`,
    [id, now],
  )
  return ended
}
