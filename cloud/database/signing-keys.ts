import type { Database, Queryable } from './connection.ts'

export interface SigningKeyRow {
  id: string
  privateKey: Buffer
  signsFrom: Date
  signsUntil: Date
}

const columns = 'id, private_key as "privateKey", signs_from as "signsFrom", signs_until as "signsUntil"'

export async function listSigningKeys(db: Queryable): Promise<SigningKeyRow[]> {
  return db.query<SigningKeyRow>(`select ${columns} from signing_keys order by signs_from, id`)
}

/** The lock under which one server at a time looks whether a key is due. */
const ROTATION_LOCK = 4_320_010

/** Shows `next` the keys there are, keeps the one it makes (if any), and removes those that ended before `endedBefore`. */
export async function rotateSigningKeys(
  database: Database,
  { next, now, endedBefore }: { next: (keys: SigningKeyRow[]) => Promise<SigningKeyRow | undefined>; now: Date; endedBefore: Date },
): Promise<SigningKeyRow[]> {
  return database.transaction(async tx => {
    await tx.query('select pg_advisory_xact_lock($1)', [ROTATION_LOCK])
    await tx.query('delete from signing_keys where signs_until < $1', [endedBefore])
    const made = await next(await listSigningKeys(tx))
    if (made)
      await tx.query('insert into signing_keys (id, private_key, signs_from, signs_until, created_at) values ($1, $2, $3, $4, $5)', [
        made.id,
        made.privateKey,
        made.signsFrom,
        made.signsUntil,
        now,
      ])
    return listSigningKeys(tx)
  })
}
