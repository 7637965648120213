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
  const [found] = await db.query<User & { passwordHash: string | null }>(
    `select ${columns}, password_hash as "passwordHash" from users where lower(email) = lower($1)`,
    [email.trim()],
  )
  return found
}
