import type { Database, Queryable } from './connection.ts'

/** One link of an organisation's chain. */
export interface AuditRow {
  organisationId: string
  /** From 1 on, without a gap. */
  seq: number
  at: Date
  event: string
  actorId: string | null
  subjectId: string | null
  address: string | null
  detail: Record<string, unknown>
  hash: Buffer
}

export interface AuditHead {
  seq: number
  hash: Buffer
}

const columns = `organisation_id as "organisationId", seq, at, event, actor_id as "actorId", subject_id as "subjectId", address, detail, hash`

/** Takes the next number of the chain, and gives the hash before it; nobody else adds to this chain until the transaction ends. */
export async function takeAuditSeq(tx: Queryable, organisationId: string): Promise<{ seq: number; previous: Buffer }> {
  const [head] = await tx.query<{ seq: number; previous: Buffer }>(
    `insert into audit_heads as h (organisation_id, seq, hash) values ($1, 1, '')
     on conflict (organisation_id) do update set seq = h.seq + 1
     returning seq, hash as previous`,
    [organisationId],
  )
  return head!
}

export async function appendAuditRow(tx: Queryable, row: AuditRow): Promise<void> {
  const { organisationId, seq, at, event, actorId, subjectId, address, detail, hash } = row
  await tx.query(
    `with head as (update audit_heads set hash = $9 where organisation_id = $1)
     insert into audit_events (organisation_id, seq, at, event, actor_id, subject_id, address, detail, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [organisationId, seq, at, event, actorId, subjectId, address, JSON.stringify(detail), hash],
  )
}

/** The newest first; `before` goes on from the last one of the page before. */
export async function listAuditRows(
  db: Queryable,
  { organisationId, before, limit }: { organisationId: string; before?: number | undefined; limit: number },
): Promise<AuditRow[]> {
  return db.query<AuditRow>(
    `select ${columns} from audit_events where organisation_id = $1 and ($2::bigint is null or seq < $2) order by seq desc limit $3`,
    [organisationId, before ?? null, limit],
  )
}

/** The oldest first, after `after`. */
export async function listAuditRowsAfter(db: Queryable, organisationId: string, after: number, limit: number): Promise<AuditRow[]> {
  return db.query<AuditRow>(`select ${columns} from audit_events where organisation_id = $1 and seq > $2 order by seq limit $3`, [
    organisationId,
    after,
    limit,
  ])
}

export async function findAuditHead(db: Queryable, organisationId: string): Promise<AuditHead | undefined> {
  const [head] = await db.query<AuditHead & Record<string, unknown>>('select seq, hash from audit_heads where organisation_id = $1', [
    organisationId,
  ])
  return head
}

/** Organisations that have a chain. */
export async function listAuditChains(db: Queryable): Promise<string[]> {
  const rows = await db.query<{ id: string }>('select organisation_id as id from audit_heads order by organisation_id')
  return rows.map(({ id }) => id)
}

/** Any number, the same in every server: the lock under which one of them archives. */
const ARCHIVE_LOCK = 4_320_005

/** Runs `work` where no other server does the same at this moment; else nothing. */
export async function holdAuditArchive(database: Database, work: () => Promise<void>): Promise<void> {
  await database.transaction(async tx => {
    const [lock] = await tx.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [ARCHIVE_LOCK])
    if (!lock?.got) return
    // A transaction that says nothing for long is ended, and the lock with it.
    const awake = setInterval(() => void tx.query('select 1').catch(() => {}), 5_000)
    try {
      await work()
    } finally {
      clearInterval(awake)
    }
  })
}
