import { newId } from '@fusion/shared/contract/ids.ts'
import { Client } from 'pg'

export interface Writer {
  userId: string
  email: string
  conversationId: string
}

/**
 * Makes people of this person's organisation who sign in with this person's password, each with a conversation of so many messages: a
 * paragraph each, questions and answers in turn. Written as the owner of the tables.
 */
export async function fillHistory(
  url: string,
  like: string,
  { people, messages }: { people: number; messages: number },
): Promise<Writer[]> {
  const owner = new Client({ connectionString: url })
  await owner.connect()
  try {
    const writers = Array.from({ length: people }, (_, index) => ({
      userId: newId(),
      email: `writer-${index}@example.org`,
      conversationId: newId(),
    }))
    for (const { userId, email, conversationId } of writers) {
      await owner.query(
        `insert into users (id, organisation_id, email, name, role, password_hash)
         select $1, organisation_id, $2, 'A writer', 'member', password_hash from users where email = $3`,
        [userId, email, like],
      )
      await owner.query('insert into spaces (user_id, version) values ($1, $2)', [userId, messages])
      await owner.query(`insert into conversations (user_id, id, v, title) values ($1, $2, $3, 'A conversation')`, [
        userId,
        conversationId,
        messages,
      ])
      const ids = Array.from({ length: messages }, () => newId())
      await owner.query(
        `insert into messages (user_id, id, conversation_id, parent_id, role, status, body, created_at, v)
         select $1, ids[n]::uuid, $2, ids[n - 1]::uuid, case when n % 2 = 1 then 'user' else 'assistant' end, 'complete',
           json_build_object('parts', json_build_array(json_build_object('type', 'text', 'text', repeat('Some words of a paragraph. ', 12))),
             'segments', json_build_array(), 'finishReason', null, 'failure', null, 'leftOut', null), now(), n
         from (select $3::text[] as ids) given, generate_series(1, $4::int) as n`,
        [userId, conversationId, ids, messages],
      )
    }
    await owner.query('vacuum analyze')
    return writers
  } finally {
    await owner.end()
  }
}
