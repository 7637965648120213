import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import type { Scope } from '@fusion/shared/contract/cloud/route.ts'
import type { Queryable } from './connection.ts'

export interface ApiKey {
  id: string
  userId: string
  name: string
  scopes: Scope[]
  replaces: string | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

const columns = `k.id, k.user_id as "userId", k.name, k.scopes, k.replaces, k.created_at as "createdAt", k.expires_at as "expiresAt",
  k.last_used_at as "lastUsedAt"`

/** Not revoked, and in its time at `$2`. */
const live = 'k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)'

export interface NewApiKey extends Omit<ApiKey, 'lastUsedAt'> {
  secretHash: Buffer
}

export async function createApiKey(db: Queryable, key: NewApiKey): Promise<void> {
  const { id, userId, name, secretHash, scopes, replaces, createdAt, expiresAt } = key
  await db.query(
    `insert into api_keys (id, user_id, name, secret_hash, scopes, replaces, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, userId, name, secretHash, scopes, replaces, createdAt, expiresAt],
  )
}

/** A key that is good, with its owner; undefined where it is not, or its owner may not come in. */
export interface HeldApiKey {
  id: string
  secretHash: Buffer
  scopes: Scope[]
  expiresAt: Date | null
  userId: string
  organisationId: string
  role: Role
}

/** Notes that the key was used, once a minute at most. The owner is asked with it: a program of a closed account is refused. */
export async function findHeldApiKey(db: Queryable, id: string, now: Date): Promise<HeldApiKey | undefined> {
  const [found] = await db.query<HeldApiKey & Record<string, unknown>>(
    `select k.id, k.secret_hash as "secretHash", k.scopes, k.expires_at as "expiresAt", u.id as "userId",
       u.organisation_id as "organisationId", u.role
     from api_keys k join users u on u.id = k.user_id where k.id = $1 and ${live} and u.disabled_at is null`,
    [id, now],
  )
  return found
}

/** Whether somebody of this organisation has this key. */
export async function keyIsOf(db: Queryable, organisationId: string, id: string): Promise<boolean> {
  const found = await db.query('select 1 from api_keys k join users u on u.id = k.user_id where k.id = $1 and u.organisation_id = $2', [
    id,
    organisationId,
  ])
  return found.length > 0
}

export async function noteApiKeyUse(db: Queryable, id: string, now: Date): Promise<void> {
  await db.query(
    `update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 min')`,
    [id, now],
  )
}

/** The keys of a person that are good, the newest first. */
export async function listApiKeys(db: Queryable, userId: string, now: Date): Promise<ApiKey[]> {
  return db.query<ApiKey & Record<string, unknown>>(
    `select ${columns} from api_keys k where k.user_id = $1 and ${live} order by k.id desc`,
    [userId, now],
  )
}

/** A page of the good keys of everybody in an organisation, the newest first. */
export async function listApiKeysOfOrganisation(
  db: Queryable,
  { organisationId, now, after, limit }: { organisationId: string; now: Date; after?: string | undefined; limit: number },
): Promise<(ApiKey & { email: string })[]> {
  return db.query<ApiKey & { email: string }>(
    `select ${columns}, u.email from api_keys k join users u on u.id = k.user_id
     where u.organisation_id = $1 and ${live} and ($3::uuid is null or k.id < $3) order by k.id desc limit $4`,
    [organisationId, now, after ?? null, limit],
  )
}

/** A good key of this person, held until the transaction ends. */
export async function holdApiKey(
  tx: Queryable,
  { id, userId, now }: { id: string; userId: string; now: Date },
): Promise<ApiKey | undefined> {
  const [held] = await tx.query<ApiKey & Record<string, unknown>>(
    `select ${columns} from api_keys k where k.id = $1 and k.user_id = $3 and ${live} for update`,
    [id, now, userId],
  )
  return held
}

export async function setApiKeyExpiry(tx: Queryable, id: string, expiresAt: Date): Promise<void> {
  await tx.query('update api_keys set expires_at = $2 where id = $1', [id, expiresAt])
}

/** Whose key it was; undefined where there is no good one of that person, or in that organisation. */
export async function revokeApiKey(
  tx: Queryable,
  { id, now, ...of }: { id: string; now: Date } & ({ userId: string } | { organisationId: string }),
): Promise<{ userId: string } | undefined> {
  const [revoked] = await tx.query<{ userId: string }>(
    `update api_keys k set revoked_at = $2 from users u
     where k.id = $1 and u.id = k.user_id and ($3::uuid is null or u.id = $3) and ($4::uuid is null or u.organisation_id = $4) and ${live}
     returning u.id as "userId"`,
    [id, now, 'userId' in of ? of.userId : null, 'organisationId' in of ? of.organisationId : null],
  )
  return revoked
}

/** Ends all keys of a person; gives the ids of those that it ended. */
export async function revokeApiKeys(tx: Queryable, userId: string, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(`update api_keys k set revoked_at = $2 where k.user_id = $1 and ${live} returning id`, [
    userId,
    now,
  ])
  return rows.map(row => row.id)
}
