import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import type { Queryable } from './connection.ts'

interface Row {
  id: string
  conversationId: string
  parentId: string | null
  role: FinishedMessage['role']
  status: FinishedMessage['status']
  body: Pick<FinishedMessage, 'parts' | 'segments' | 'finishReason' | 'failure' | 'leftOut'>
  createdAt: Date
  version: number
}

export type MessageRow = FinishedMessage & { version: number }

const columns = `id, conversation_id as "conversationId", parent_id as "parentId", role, status, body, created_at as "createdAt", v as version`

const read = ({ body, createdAt, ...row }: Row): MessageRow => ({ ...row, ...body, createdAt: createdAt.getTime() })

export async function findMessage(tx: Queryable, userId: string, id: string): Promise<MessageRow | undefined> {
  const [found] = await tx.prepared<Row>(`select ${columns} from messages where user_id = $1 and id = $2`, [userId, id])
  return found && read(found)
}

export interface MessagePlace {
  version: number
  id: string
}

/** A message as JSON. */
export interface MessageText extends MessagePlace {
  text: string
}

/**
 * Of one conversation, the newest first in the order in which they came here. A body is JSON as it lies: to read it and write it anew took a
 * third of the time of a page.
 */
export async function listMessages(
  tx: Queryable,
  userId: string,
  { conversationId, before, limit }: { conversationId: string; before: MessagePlace | undefined; limit: number },
): Promise<MessageText[]> {
  type Written = Pick<Row, 'id' | 'parentId' | 'role' | 'status' | 'version'> & { body: string; createdAt: number }
  const rows = await tx.prepared<Written>(
    `select id, parent_id as "parentId", role, status, body::text as body, floor(extract(epoch from created_at) * 1000)::bigint as "createdAt",
       v as version
     from messages where user_id = $1 and conversation_id = $2 ${before ? 'and (v, id) < ($4, $5::uuid)' : ''}
     order by v desc, id desc limit $3`,
    [userId, conversationId, limit, ...(before ? [before.version, before.id] : [])],
  )
  return rows.map(({ id, parentId, role, status, body, createdAt, version }) => {
    const parent = parentId === null ? 'null' : `"${parentId}"`
    const text = `{"id":"${id}","conversationId":"${conversationId}","parentId":${parent},"role":"${role}","status":"${status}","createdAt":${createdAt},${body.slice(1)}`
    return { id, version, text }
  })
}

/** Bytes of the bodies that are read at once, where nobody waits for a certain number of messages: one may have 8 million characters. */
const MOST_BYTES = 8_000_000
/** What is beyond them stays for the next read; the first row is always told. */
const fits = (order: string) => `sum(octet_length(body::text)) over (order by ${order}) - octet_length(body::text) < ${MOST_BYTES}`

/** Of all conversations, in the order in which they came here: so many at the most, and none where there is no more. */
export async function listAllMessages(
  tx: Queryable,
  userId: string,
  { after, limit }: { after: MessagePlace | undefined; limit: number },
): Promise<MessageRow[]> {
  const rows = await tx.query<Row>(
    `select ${columns} from (
       select *, ${fits('v, id')} as fits from (
         select * from messages where user_id = $1 and ($2::bigint is null or (v, id) > ($2, $3::uuid)) order by v, id limit $4
       ) next
     ) read where fits order by v, id`,
    [userId, after?.version ?? null, after?.id ?? null, limit],
  )
  return rows.map(read)
}

/**
 * From this message towards the root, so many at the most, or (`isPart`) as many of them as are read at once. It ends where a parent is not here,
 * or a loop would begin.
 */
export async function readPathUp(
  tx: Queryable,
  userId: string,
  { conversationId, from, limit, isPart = false }: { conversationId: string; from: string; limit: number; isPart?: boolean },
): Promise<MessageRow[]> {
  const rows = await tx.query<Row>(
    `with recursive path as (
       select m.*, 1 as depth from messages m where user_id = $1 and id = $2 and conversation_id = $3
       union all
       select m.*, depth + 1 from path join messages m on m.user_id = $1 and m.id = path.parent_id and m.conversation_id = $3
       where depth < $4
     ) cycle id set looped using trail
     select ${columns} from (select *, ${isPart ? fits('depth') : 'true'} as fits from path where not looped) read where fits order by depth`,
    [userId, from, conversationId, limit],
  )
  return rows.map(read)
}

/** How many there are from this message to the root. */
export async function countPathUp(
  tx: Queryable,
  userId: string,
  { conversationId, from }: { conversationId: string; from: string },
): Promise<number> {
  const [counted] = await tx.query<{ count: number }>(
    `with recursive path as (
       select id, parent_id from messages where user_id = $1 and id = $2 and conversation_id = $3
       union all
       select m.id, m.parent_id from path join messages m on m.user_id = $1 and m.id = path.parent_id and m.conversation_id = $3
     ) cycle id set looped using trail
     select count(*) from path where not looped`,
    [userId, from, conversationId],
  )
  return counted!.count
}

/** The newest version of a message in it; 0 where there is none. */
export async function newestMessageVersion(tx: Queryable, userId: string, conversationId: string): Promise<number> {
  const [newest] = await tx.query<{ version: number }>(
    'select v as version from messages where user_id = $1 and conversation_id = $2 order by v desc limit 1',
    [userId, conversationId],
  )
  return newest?.version ?? 0
}

/** Writes it under a new version, which it tells; its conversation comes back from the trash. `movesHead`: the conversation goes on from it. */
export async function insertMessage(
  tx: Queryable,
  userId: string,
  message: FinishedMessage,
  { movesHead }: { movesHead: boolean },
): Promise<number> {
  const { id, conversationId, parentId, role, status, createdAt, parts, segments, finishReason, failure, leftOut } = message
  const [written] = await tx.prepared<{ version: number }>(
    `with taken as materialized (select take_version() as version),
     written as (
       insert into messages (user_id, id, conversation_id, parent_id, role, status, body, created_at, v)
       select $1, $2, $3, $4, $5, $6, $7, $8, version from taken
     )
     update conversations set v = version, updated_at = greatest(updated_at, date_trunc('milliseconds', now())),
       life = 'live', life_v = case life when 'trash' then version else life_v end, life_back = life_back or life = 'trash',
       head_id = case when $9::boolean then $2 else head_id end, head_v = case when $9 then version else head_v end
     from taken where user_id = $1 and id = $3 returning version`,
    [
      userId,
      id,
      conversationId,
      parentId,
      role,
      status,
      JSON.stringify({ parts, segments, finishReason, failure, leftOut }),
      new Date(createdAt),
      movesHead,
    ],
  )
  return written!.version
}
