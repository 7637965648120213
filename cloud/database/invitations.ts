import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import type { Queryable } from './connection.ts'

export interface Invitation {
  id: string
  /** Null: of the first admin, who makes the organisation as well. */
  organisationId: string | null
  role: Role
  /** The address it is for; null: whoever has the link. */
  email: string | null
  createdAt: Date
  expiresAt: Date
  usedAt: Date | null
}

export interface NewInvitation extends Omit<Invitation, 'usedAt'> {
  hash: Buffer
  invitedBy: string | null
}

const columns =
  'id, organisation_id as "organisationId", role, email, created_at as "createdAt", expires_at as "expiresAt", used_at as "usedAt"'

export async function createInvitation(db: Queryable, invitation: NewInvitation): Promise<void> {
  const { id, hash, organisationId, role, email, invitedBy, createdAt, expiresAt } = invitation
  await db.query(
    `insert into invitations (id, hash, organisation_id, role, email, invited_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, hash, organisationId, role, email, invitedBy, createdAt, expiresAt],
  )
}

/** An invitation that can still be taken; `hold` keeps it from others until the transaction ends. */
export async function findInvitation(db: Queryable, hash: Buffer, { now, hold }: { now: Date; hold: boolean }) {
  const [found] = await db.query<Invitation>(
    `select ${columns} from invitations where hash = $1 and used_at is null and expires_at > $2 ${hold ? 'for update' : ''}`,
    [hash, now],
  )
  return found
}

/** The newest invitation for this address that can still be taken, kept from others until the transaction ends. */
export async function holdInvitationFor(tx: Queryable, email: string, now: Date) {
  const [found] = await tx.query<Invitation & { organisationId: string }>(
    `select ${columns} from invitations
     where lower(email) = lower($1) and organisation_id is not null and used_at is null and expires_at > $2
     order by id desc limit 1 for update`,
    [email, now],
  )
  return found
}

export async function markInvitationUsed(tx: Queryable, id: string, { userId, now }: { userId: string; now: Date }): Promise<void> {
  await tx.query('update invitations set used_at = $2, used_by = $3 where id = $1', [id, now, userId])
}

export async function listInvitations(db: Queryable, organisationId: string, now: Date): Promise<Invitation[]> {
  return db.query<Invitation>(
    `select ${columns} from invitations where organisation_id = $1 and used_at is null and expires_at > $2 order by id desc limit 1000`,
    [organisationId, now],
  )
}

export async function removeInvitation(db: Queryable, { id, organisationId }: { id: string; organisationId: string }): Promise<boolean> {
  const rows = await db.query('delete from invitations where id = $1 and organisation_id = $2 and used_at is null returning 1', [
    id,
    organisationId,
  ])
  return rows.length > 0
}

/** The links of a first admin end when there is a newer one, or an admin. */
export async function removeFirstInvitations(db: Queryable): Promise<void> {
  await db.query('delete from invitations where organisation_id is null and used_at is null')
}
