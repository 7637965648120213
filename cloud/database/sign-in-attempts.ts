import type { Queryable } from './connection.ts'

export interface Attempts {
  key: Buffer
  failures: number
  /** Null: none. */
  failedAt: Date | null
  succeededAt: Date | null
}

/** What is known of these keys, in their order; nobody else reads or counts them until the transaction ends. */
export async function holdAttempts(tx: Queryable, keys: readonly Buffer[]): Promise<Attempts[]> {
  // In one order for all, so that two that hold the same keys never wait for each other.
  const rows = await tx.query<Attempts>(
    `insert into sign_in_attempts (key, failures, failed_at) select key, 0, '-infinity' from unnest($1::bytea[]) key order by key
     on conflict (key) do update set failures = sign_in_attempts.failures
     returning key, failures, nullif(failed_at, '-infinity') as "failedAt", succeeded_at as "succeededAt"`,
    [keys],
  )
  return keys.map(key => rows.find(row => row.key.equals(key))!)
}

/** Counts one more failure of each; what is older than `forgottenBefore` no longer counts. */
export async function countAttempts(
  tx: Queryable,
  keys: readonly Buffer[],
  { now, forgottenBefore }: { now: Date; forgottenBefore: Date },
) {
  await tx.query(
    `update sign_in_attempts set failures = case when failed_at < $3 then 1 else failures + 1 end, failed_at = $2 where key = any($1::bytea[])`,
    [keys, now, forgottenBefore],
  )
}

/** It was not a failure after all: those of `cleared` begin anew, those of `reduced` have one less. */
export async function uncountAttempts(
  db: Queryable,
  { cleared, reduced, now }: { cleared: readonly Buffer[]; reduced: readonly Buffer[]; now: Date },
): Promise<void> {
  await db.query(
    `update sign_in_attempts set
       failures = case when key = any($1::bytea[]) then 0 else greatest(failures - 1, 0) end,
       succeeded_at = $3
     where key = any($1::bytea[]) or key = any($2::bytea[])`,
    [cleared, reduced, now],
  )
}
