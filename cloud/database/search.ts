// Words of messages, and who has them. All of it in a transaction as the person whose messages they are.
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import type { Queryable } from './connection.ts'
import { listAllMessages, type MessagePlace, type MessageRow } from './messages.ts'

/** Holds the reading in of this person's messages until the transaction ends; tells the next ones, in the order in which they came. */
export async function takeUnread(tx: Queryable, userId: string, { rules, most }: { rules: number; most: number }): Promise<MessageRow[]> {
  const begin = '00000000-0000-0000-0000-000000000000'
  const [state] = await tx.query<MessagePlace & { rules: number }>(
    `insert into search_states as state (user_id, rules, v, id) select user_id, $1, 0, $2 from spaces where user_id = fusion_user()
     on conflict (user_id) do update set user_id = state.user_id returning rules, v as version, id`,
    [rules, begin],
  )
  // Whoever has no space has no message.
  if (!state) return []
  if (state.rules === rules) return listAllMessages(tx, userId, { after: state, limit: most })
  await tx.query('delete from message_words where user_id = fusion_user()')
  await tx.query('update search_states set rules = $1, v = 0, id = $2 where user_id = fusion_user()', [rules, begin])
  return listAllMessages(tx, userId, { after: undefined, limit: most })
}

export interface WordsOfPiece {
  messageId: string
  piece: number
  version: number
  /** Letters and digits alone, each word once, marked as this person's. */
  words: readonly string[]
}

/** Keeps the words of what was taken, which ended at this place. */
export async function addWords(tx: Queryable, pieces: readonly WordsOfPiece[], end: MessagePlace): Promise<void> {
  await tx.query(
    `insert into message_words (user_id, message_id, piece, v, words)
     select fusion_user(), message_id, piece, v, words::tsvector from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::text[]) as made(message_id, piece, v, words)
     on conflict do nothing`,
    [
      pieces.map(({ messageId }) => messageId),
      pieces.map(({ piece }) => piece),
      pieces.map(({ version }) => version),
      pieces.map(({ words }) => words.join(' ')),
    ],
  )
  await tx.query('update search_states set v = $1, id = $2 where user_id = fusion_user()', [end.version, end.id])
}

export interface FoundMessage extends MessagePlace {
  conversationId: string
  conversationTitle: string
  life: 'live' | 'trash'
  role: FinishedMessage['role']
  parts: FinishedMessage['parts']
  createdAt: number
  /** Which pieces have the words, in order. */
  pieces: number[]
}

/** Messages with all of these words, the newest first. A word that ends with `:*` is a beginning. */
export async function findMessagesWith(
  tx: Queryable,
  { words, before, limit }: { words: readonly string[]; before: MessagePlace | undefined; limit: number },
): Promise<FoundMessage[]> {
  const rows = await tx.query<FoundMessage & { createdAt: Date }>(
    `select m.id, m.v as version, c.id as "conversationId", coalesce(c.title, '') as "conversationTitle", c.life, m.role, m.body -> 'parts' as parts,
       m.created_at as "createdAt", pieces
     from search_words($1::tsquery, $2, $3, $4) found
     -- One by one: the planner does not know how few there are.
     cross join lateral (select * from messages where user_id = fusion_user() and id = found.message_id limit 1) m
     join conversations c on c.user_id = fusion_user() and c.id = m.conversation_id
     order by m.v desc, m.id desc`,
    [words.join(' & '), before?.version ?? null, before?.id ?? null, limit],
  )
  return rows.map(row => ({ ...row, createdAt: row.createdAt.getTime() }))
}

export interface TitledConversation {
  id: string
  title: string
  life: 'live' | 'trash'
  updatedAt: number
}

/** Conversations that have a name, the newest first. */
export async function listTitles(
  tx: Queryable,
  { before, limit }: { before: { updatedAt: number; id: string } | undefined; limit: number },
): Promise<TitledConversation[]> {
  return tx.query<TitledConversation & Record<string, unknown>>(
    `select id, title, life, floor(extract(epoch from updated_at) * 1000)::bigint as "updatedAt" from conversations
     where user_id = fusion_user() and gone is null and title is not null
       and ($1::bigint is null or (updated_at, id) < (to_timestamp($1::bigint / 1000.0), $2::uuid))
     order by updated_at desc, id desc limit $3`,
    [before?.updatedAt ?? null, before?.id ?? null, limit],
  )
}
