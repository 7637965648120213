// What a sign-in leaves for the device that asked for it: codes that are good once, for a short time, and kept as hashes.
import type { Queryable } from './connection.ts'

export interface AuthorizationCode {
  hash: Buffer
  userId: string
  clientId: string
  redirectUri: string
  codeChallenge: string
  deviceName: string
  expiresAt: Date
}

export async function createAuthorizationCode(db: Queryable, code: AuthorizationCode): Promise<void> {
  const { hash, userId, clientId, redirectUri, codeChallenge, deviceName, expiresAt } = code
  await db.query(
    `insert into authorization_codes (hash, user_id, client_id, redirect_uri, code_challenge, device_name, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [hash, userId, clientId, redirectUri, codeChallenge, deviceName, expiresAt],
  )
}

/** Uses the code up, whatever is then found wrong with it; undefined where it is unknown, used or too old. */
export async function takeAuthorizationCode(db: Queryable, hash: Buffer, now: Date): Promise<AuthorizationCode | undefined> {
  const [taken] = await db.query<AuthorizationCode>(
    `update authorization_codes set used_at = $2 where hash = $1 and used_at is null and expires_at > $2
     returning hash, user_id as "userId", client_id as "clientId", redirect_uri as "redirectUri", code_challenge as "codeChallenge",
       device_name as "deviceName", expires_at as "expiresAt"`,
    [hash, now],
  )
  return taken
}

export async function rememberSessionOfCode(db: Queryable, hash: Buffer, sessionId: string): Promise<void> {
  await db.query('update authorization_codes set session_id = $2 where hash = $1', [hash, sessionId])
}

/** The session that a used code has given. */
export async function findSessionOfCode(db: Queryable, hash: Buffer): Promise<string | undefined> {
  const [row] = await db.query<{ id: string | null }>('select session_id as id from authorization_codes where hash = $1', [hash])
  return row?.id ?? undefined
}

export interface DeviceCode {
  hash: Buffer
  userCode: string
  clientId: string
  deviceName: string
  intervalSeconds: number
  expiresAt: Date
}

/** False where this user code is in use. */
export async function createDeviceCode(db: Queryable, code: DeviceCode): Promise<boolean> {
  const { hash, userCode, clientId, deviceName, intervalSeconds, expiresAt } = code
  const rows = await db.query(
    `insert into device_codes (hash, user_code, client_id, device_name, interval_seconds, expires_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (user_code) do nothing returning 1`,
    [hash, userCode, clientId, deviceName, intervalSeconds, expiresAt],
  )
  return rows.length > 0
}

/** A device that waits for somebody to confirm it. */
export async function findWaitingDevice(db: Queryable, userCode: string, now: Date): Promise<{ deviceName: string } | undefined> {
  const [found] = await db.query<{ deviceName: string }>(
    `select device_name as "deviceName" from device_codes
     where user_code = $1 and expires_at > $2 and user_id is null and refused_at is null`,
    [userCode, now],
  )
  return found
}

/** Somebody confirmed the device, or (`userId` null) refused it. False where it waits no longer. */
export async function answerDevice(
  db: Queryable,
  userCode: string,
  { userId, now }: { userId: string | null; now: Date },
): Promise<boolean> {
  const rows = await db.query(
    `update device_codes set user_id = $3, refused_at = case when $3::uuid is null then $2::timestamptz end
     where user_code = $1 and expires_at > $2 and user_id is null and refused_at is null returning 1`,
    [userCode, now, userId],
  )
  return rows.length > 0
}

export interface PolledDevice {
  clientId: string
  deviceName: string
  userId: string | null
  state: 'too-soon' | 'waiting' | 'confirmed' | 'refused' | 'expired' | 'used'
}

/** How a device code stands. Asking sooner than the interval lengthens it by five seconds (RFC 8628); a confirmed code is used up. */
export async function pollDevice(db: Queryable, { hash, clientId, now }: { hash: Buffer; clientId: string; now: Date }) {
  const [row] = await db.query<PolledDevice>(
    `with held as (select * from device_codes where hash = $1 and client_id = $2 for update),
     judged as (
       select *, case
         when used_at is not null then 'used'
         when expires_at <= $3 then 'expired'
         when refused_at is not null then 'refused'
         when polled_at > $3 - interval_seconds * interval '1 s' then 'too-soon'
         when user_id is not null then 'confirmed'
         else 'waiting' end as state
       from held
     )
     update device_codes d set
       polled_at = $3,
       interval_seconds = d.interval_seconds + case when judged.state = 'too-soon' then 5 else 0 end,
       used_at = case when judged.state = 'confirmed' then $3 else d.used_at end
     from judged where d.hash = judged.hash
     returning d.client_id as "clientId", d.device_name as "deviceName", d.user_id as "userId", judged.state`,
    [hash, clientId, now],
  )
  return row
}

/** What this person signed in for and was not fetched yet gives nothing any more. */
export async function withdrawCodes(db: Queryable, userId: string, now: Date): Promise<void> {
  await db.query('update authorization_codes set used_at = $2 where user_id = $1 and used_at is null', [userId, now])
  await db.query('update device_codes set refused_at = $2 where user_id = $1 and used_at is null', [userId, now])
}

/** Removes what nobody needs any more: of codes and links, sessions and failed sign-ins, what ended before `before`. */
export async function removeEnded(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from authorization_codes where expires_at < $1', [before])
  await db.query('delete from device_codes where expires_at < $1', [before])
  await db.query('delete from invitations where expires_at < $1 and used_at is null', [before])
  await db.query('delete from sessions where expires_at < $1', [before])
  await db.query(`delete from sign_in_attempts where failed_at < $1 and (succeeded_at is null or succeeded_at < $1 - interval '90 days')`, [
    before,
  ])
}
