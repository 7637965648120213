import type { Queryable } from './connection.ts'

export interface Attachment {
  /** Bytes. */
  size: number
  /** Null: not known to be there yet. */
  storedAt: Date | null
}

/** `hash`: SHA-256 in lower-case hex. All of these as the person whose it is. */
export async function findAttachment(tx: Queryable, hash: string): Promise<Attachment | undefined> {
  const [found] = await tx.query<Attachment & Record<string, unknown>>(
    `select size, stored_at as "storedAt" from attachments where hash = decode($1, 'hex')`,
    [hash],
  )
  return found
}

/** Notes that a file is to come (`storedAt` null), or is there. What is there stays there. */
export async function noteAttachment(
  tx: Queryable,
  { userId, hash, size, now, storedAt }: { userId: string; hash: string; size: number; now: Date; storedAt: Date | null },
): Promise<void> {
  await tx.query(
    `insert into attachments (user_id, hash, size, created_at, stored_at) values ($1, decode($2, 'hex'), $3, $4, $5)
     on conflict (user_id, hash) do update set
       stored_at = coalesce(attachments.stored_at, excluded.stored_at),
       size = case when attachments.stored_at is null then excluded.size else attachments.size end`,
    [userId, hash, size, now, storedAt],
  )
}

/** Bytes of all files of this person but one, also of those that are still to come. */
export async function sumOtherAttachments(tx: Queryable, hash: string): Promise<number> {
  const [sum] = await tx.query<{ bytes: number }>(
    `select coalesce(sum(size), 0)::bigint as bytes from attachments where hash <> decode($1, 'hex')`,
    [hash],
  )
  return sum?.bytes ?? 0
}

/** False where there was none. */
export async function deleteAttachment(tx: Queryable, hash: string): Promise<boolean> {
  return (await tx.query(`delete from attachments where hash = decode($1, 'hex') returning 1`, [hash])).length > 0
}

/** All files of this person that are there, in the order of their hashes. */
export async function listAttachments(
  tx: Queryable,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<{ hash: string; size: number }[]> {
  return tx.query(
    `select encode(hash, 'hex') as hash, size from attachments
     where user_id = fusion_user() and stored_at is not null and ($1::text is null or hash > decode($1, 'hex')) order by hash limit $2`,
    [after ?? null, limit],
  )
}
