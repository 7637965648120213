// What a bare route would ask the database: the same rows by one statement each, with no user to hold it to and nothing to check. The floor of
// the bench `cloud`.
import { Pool } from 'pg'

export interface BareMessage {
  id: string
  conversationId: string
  parentId: string | null
  role: string
  status: string
  body: object
  createdAt: number
}

export interface BareQueries {
  newestMessages(userId: string, conversationId: string, limit: number): Promise<BareMessage[]>
  /** Writes all that a write of the cloud does: version, stamp, message, and what of the conversation moves. Gives the version. */
  writeMessage(userId: string, message: BareMessage): Promise<number>
}

/** As the owner of the tables, whom row-level security does not hold. */
export function openBareQueries(url: string): BareQueries {
  // As many connections as the cloud has.
  const pool = new Pool({ connectionString: url, max: 20 })
  return {
    async newestMessages(userId, conversationId, limit) {
      const { rows } = await pool.query<Omit<BareMessage, 'createdAt'> & { createdAt: Date }>(
        `select id, conversation_id as "conversationId", parent_id as "parentId", role, status, body, created_at as "createdAt"
         from messages where user_id = $1 and conversation_id = $2 order by v desc, id desc limit $3`,
        [userId, conversationId, limit],
      )
      return rows.map(row => ({ ...row, createdAt: row.createdAt.getTime() }))
    },
    async writeMessage(userId, { id, conversationId, parentId, role, status, body, createdAt }) {
      const { rows } = await pool.query<{ version: string }>(
        `with taken as (update spaces set version = version + 1 where user_id = $1 returning version),
           stamped as (insert into stamps (user_id, version) select $1, version from taken),
           written as (
             insert into messages (user_id, id, conversation_id, parent_id, role, status, body, created_at, v)
             select $1, $2, $3, $4, $5, $6, $7, $8, version from taken
           )
         update conversations set v = version, head_id = $2, head_v = version, updated_at = now()
         from taken where user_id = $1 and id = $3 returning version`,
        [userId, id, conversationId, parentId, role, status, JSON.stringify(body), new Date(createdAt)],
      )
      return Number(rows[0]!.version)
    },
  }
}
