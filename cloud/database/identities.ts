// Who a person is at an OpenID provider, and the sign-ins that are under way there.
import type { Queryable } from './connection.ts'

export interface ProviderIdentity {
  issuer: string
  /** The provider's own name for a person, which never changes and is given to nobody else. */
  subject: string
}

/** The person with this identity, held until the transaction ends; notes that it was used. */
export async function useIdentity(
  tx: Queryable,
  { issuer, subject }: ProviderIdentity,
  now: Date,
): Promise<{ userId: string } | undefined> {
  const [found] = await tx.query<{ userId: string }>(
    'update identities set last_used_at = $3 where issuer = $1 and subject = $2 returning user_id as "userId"',
    [issuer, subject, now],
  )
  return found
}

export async function linkIdentity(tx: Queryable, { issuer, subject, userId, now }: ProviderIdentity & { userId: string; now: Date }) {
  await tx.query('insert into identities (issuer, subject, user_id, created_at, last_used_at) values ($1, $2, $3, $4, $4)', [
    issuer,
    subject,
    userId,
    now,
  ])
}

export interface ProviderSignIn {
  stateHash: Buffer
  /** Of the secret that the browser keeps which began it. */
  browserHash: Buffer
  /** What the person signs in for. */
  purpose: string
  expiresAt: Date
}

/** Keeps it, and removes those that nobody came back from. */
export async function createProviderSignIn(db: Queryable, signIn: ProviderSignIn, now: Date): Promise<void> {
  const { stateHash, browserHash, purpose, expiresAt } = signIn
  await db.query(
    `with over as (delete from provider_sign_ins where expires_at <= $5)
     insert into provider_sign_ins (state_hash, browser_hash, return_query, expires_at) values ($1, $2, $3, $4)`,
    [stateHash, browserHash, purpose, expiresAt, now],
  )
}

/** Uses it up: it can be come back from once. Undefined where another browser began it, or where it is over; then it stays. */
export async function takeProviderSignIn(
  db: Queryable,
  { stateHash, browserHash, now }: { stateHash: Buffer; browserHash: Buffer; now: Date },
): Promise<{ purpose: string } | undefined> {
  const [taken] = await db.query<{ purpose: string }>(
    `delete from provider_sign_ins where state_hash = $1 and browser_hash = $2 and expires_at > $3 returning return_query as purpose`,
    [stateHash, browserHash, now],
  )
  return taken
}
