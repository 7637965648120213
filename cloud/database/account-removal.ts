// Accounts that are deleted by their people: what has to be gone at once, and what goes after it, in slices.
import type { Database, Queryable } from './connection.ts'

/**
 * From here on nobody comes in as this person, nothing of theirs is written, and their address is free. In a transaction as this person.
 * Other people hold on to nothing but an id.
 */
export async function markRemoved(tx: Queryable, userId: string, now: Date): Promise<void> {
  await tx.query(
    `update users set removed_at = $2, disabled_at = coalesce(disabled_at, $2), name = 'Removed', email = id || '@removed.invalid',
       password_hash = null where id = $1`,
    [userId, now],
  )
  await tx.query('delete from identities where user_id = $1', [userId])
  await tx.query('update api_keys set revoked_at = coalesce(revoked_at, $2) where user_id = $1', [userId, now])
  await tx.query('insert into spaces (user_id, disabled) values ($1, true) on conflict (user_id) do update set disabled = true', [userId])
  await tx.query(`update generations set cancel_requested = true where user_id = $1 and status = 'running'`, [userId])
}

/** People whose accounts were deleted before this moment and are not gone yet. */
export async function listRemoved(database: Database, before: Date): Promise<string[]> {
  const rows = await database.query<{ id: string }>('select id from users where removed_at < $1 order by removed_at limit 100', [before])
  return rows.map(({ id }) => id)
}

/** Takes out so many rows of what the person of this transaction wrote, at most; false where there is no more. */
export async function removeSlice(tx: Queryable, most: number): Promise<boolean> {
  for (const table of ['messages', 'stamps', 'conversations', 'attachments'] as const) {
    const gone = await tx.query(
      `delete from ${table} where ctid in (select ctid from ${table} where user_id = fusion_user() limit $1) returning 1`,
      [most],
    )
    if (gone.length > 0) return true
  }
  return false
}

/** The person themselves, when the rest is gone. */
export async function forgetAccount(database: Database, userId: string): Promise<void> {
  await database.query('select forget_account($1)', [userId])
}

/** People of an organisation who are there; held until the transaction ends are its admins alone. */
export async function countOthers(tx: Queryable, { organisationId, userId }: { organisationId: string; userId: string }): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    'select count(*) from users where organisation_id = $1 and id <> $2 and disabled_at is null',
    [organisationId, userId],
  )
  return row!.count
}
