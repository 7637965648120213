// Writes that were asked for under a key of the client's.
import type { Database, Queryable } from './connection.ts'

export interface KnownWrite {
  requestHash: Buffer
  /** Null: it is being worked on. */
  status: number | null
  answer: Buffer | null
}

/**
 * Takes the key for this request, which then has so many seconds: undefined where that worked, else what stands under it. One whose server
 * died is taken over by the same request. In a transaction as the person whose key it is.
 */
export async function takeKey(
  tx: Queryable,
  { key, requestHash, leaseSeconds }: { key: string; requestHash: Buffer; leaseSeconds: number },
): Promise<KnownWrite | undefined> {
  const taken = await tx.query(
    `insert into idempotency_keys as known (user_id, key, request_hash, lease_until)
     values (fusion_user(), $1, $2, now() + make_interval(secs => $3))
     on conflict (user_id, key) do update set lease_until = excluded.lease_until, created_at = now()
       where known.status is null and known.lease_until < now() and known.request_hash = excluded.request_hash
     returning 1`,
    [key, requestHash, leaseSeconds],
  )
  if (taken.length > 0) return undefined
  const [known] = await tx.query<KnownWrite & Record<string, unknown>>(
    'select request_hash as "requestHash", status, answer from idempotency_keys where user_id = fusion_user() and key = $1',
    [key],
  )
  return known
}

/** Keeps how it was answered. */
export async function keepAnswerOf(
  tx: Queryable,
  { key, requestHash, status, answer }: { key: string; requestHash: Buffer; status: number; answer: Buffer },
): Promise<void> {
  await tx.query(
    'update idempotency_keys set status = $3, answer = $4 where user_id = fusion_user() and key = $1 and request_hash = $2 and status is null',
    [key, requestHash, status, answer],
  )
}

/** Gives the key back: what was asked under it was not done. */
export async function giveKeyBack(tx: Queryable, { key, requestHash }: { key: string; requestHash: Buffer }): Promise<void> {
  await tx.query('delete from idempotency_keys where user_id = fusion_user() and key = $1 and request_hash = $2 and status is null', [
    key,
    requestHash,
  ])
}

/** What is older than a day. */
export async function forgetKeys(database: Database): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ gone: number }>('select forget_idempotency_keys() as gone')
    if (row?.gone !== 5000) return
  }
}
