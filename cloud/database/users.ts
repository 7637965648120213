import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Queryable } from './connection.ts'

export interface User {
  id: string
  organisationId: string
  email: string
  name: string
  role: Role
  disabledAt: Date | null
  createdAt: Date
}

const columns = 'id, organisation_id as "organisationId", email, name, role, disabled_at as "disabledAt", created_at as "createdAt"'

export interface NewUser {
  organisationId: string
  email: string
  name: string
  role: Role
  /** argon2id; null: this person signs in elsewhere. */
  passwordHash?: string | null
}

/** Undefined where the address is taken: addresses are told apart without regard to case. */
export async function createUser(db: Queryable, user: NewUser): Promise<User | undefined> {
  const [made] = await db.query<User>(
    `insert into users (id, organisation_id, email, name, role, password_hash) values ($1, $2, $3, $4, $5, $6)
     on conflict (lower(email)) do nothing returning ${columns}`,
    [newId(), user.organisationId, user.email.trim(), user.name, user.role, user.passwordHash ?? null],
  )
  return made
}

export async function findUser(db: Queryable, id: string): Promise<User | undefined> {
  const [found] = await db.query<User>(`select ${columns} from users where id = $1`, [id])
  return found
}

export async function findUserByEmail(db: Queryable, email: string): Promise<(User & { passwordHash: string | null }) | undefined> {
  // Postgres takes no text with a zero in it; so nobody has such an address.
  if (email.includes('\0')) return undefined
  const [found] = await db.query<User & { passwordHash: string | null }>(
    `select ${columns}, password_hash as "passwordHash" from users where lower(email) = lower($1)`,
    [email.trim()],
  )
  return found
}

export async function hasUsers(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ some: boolean }>('select exists (select from users) as some')
  return row!.some
}

/** Until the transaction ends nobody else makes an account: of two first admins, one is first. */
export async function lockUsers(tx: Queryable): Promise<void> {
  await tx.query('lock table users in share row exclusive mode')
}

export async function findPasswordHash(db: Queryable, id: string): Promise<string | null> {
  const [found] = await db.query<{ hash: string | null }>('select password_hash as hash from users where id = $1', [id])
  return found?.hash ?? null
}

/** Null: this person signs in elsewhere. */
export async function setPasswordHash(db: Queryable, id: string, hash: string | null): Promise<void> {
  await db.query('update users set password_hash = $2 where id = $1', [id, hash])
}

export async function setUserName(db: Queryable, id: string, name: string): Promise<void> {
  await db.query('update users set name = $2 where id = $1', [id, name])
}

/** Newest first; ids ascend with time. */
export async function listUsers(
  db: Queryable,
  { organisationId, after, limit }: { organisationId: string; after: string | undefined; limit: number },
): Promise<User[]> {
  return db.query<User>(
    `select ${columns} from users where organisation_id = $1 and removed_at is null and ($2::uuid is null or id < $2)
     order by id desc limit $3`,
    [organisationId, after ?? null, limit],
  )
}

/** Admins of an organisation who may come in, held until the transaction ends, so that two of them can't remove each other. */
export async function holdAdmins(tx: Queryable, organisationId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select id from users where organisation_id = $1 and role = 'admin' and disabled_at is null order by id for update`,
    [organisationId],
  )
  return rows.map(row => row.id)
}

export interface UserChange {
  name?: string | undefined
  role?: Role | undefined
  disabled?: boolean | undefined
}

/** Undefined where there is no such person in this organisation. */
export async function changeUser(
  tx: Queryable,
  { id, organisationId, now, ...change }: UserChange & { id: string; organisationId: string; now: Date },
): Promise<User | undefined> {
  const [changed] = await tx.query<User>(
    `update users set
       name = coalesce($3, name),
       role = coalesce($4, role),
       disabled_at = case $5::boolean when true then coalesce(disabled_at, $6) when false then null else disabled_at end
     where id = $1 and organisation_id = $2 and removed_at is null returning ${columns}`,
    [id, organisationId, change.name ?? null, change.role ?? null, change.disabled ?? null, now],
  )
  return changed
}
