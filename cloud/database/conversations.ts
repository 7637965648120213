import type { CloudConversation, ConversationChange, NewConversation } from '@fusion/shared/contract/cloud/history.ts'
import type { Queryable } from './connection.ts'

/** A conversation as its row says it; `gone`: its messages were deleted for good, and its id is never taken again. */
export type ConversationRow = CloudConversation & { gone: 'purged' | 'barred' | null }

const ms = (column: string) => `floor(extract(epoch from ${column}) * 1000)::bigint`
const columns = `id, coalesce(title, '') as title, folder_id as "folderId", pinned, privacy,
  json_build_object('modelId', model_id, 'systemPrompt', system_prompt, 'sampling', sampling, 'keepState', keep_state) as settings,
  head_id as "headId", life, life_back as back, v as version, privacy_v as "privacyVersion", gone,
  ${ms('created_at')} as "createdAt", ${ms('updated_at')} as "updatedAt"`

/** Also one that is gone. */
export async function findConversation(tx: Queryable, userId: string, id: string): Promise<ConversationRow | undefined> {
  const [found] = await tx.prepared<ConversationRow>(`select ${columns} from conversations where user_id = $1 and id = $2`, [userId, id])
  return found
}

/** Whether it is there, and not gone. */
export async function isPresent(tx: Queryable, userId: string, id: string): Promise<boolean> {
  const found = await tx.prepared('select 1 from conversations where user_id = $1 and id = $2 and gone is null', [userId, id])
  return found.length > 0
}

export interface ConversationPlace {
  updatedAt: number
  id: string
}

/** The newest first, from the place on that the page before ended at. */
export async function listConversations(
  tx: Queryable,
  userId: string,
  { life, before, limit }: { life: 'live' | 'trash'; before: ConversationPlace | undefined; limit: number },
): Promise<ConversationRow[]> {
  return tx.query<ConversationRow>(
    `select ${columns} from conversations where user_id = $1 and gone is null and life = $2
       and ($3::bigint is null or (updated_at, id) < (to_timestamp($3::bigint / 1000.0), $4::uuid))
     order by updated_at desc, id desc limit $5`,
    [userId, life, before?.updatedAt ?? null, before?.id ?? null, limit],
  )
}

/** All that are there, trash as well, in the order of their ids. */
export async function listAllConversations(
  tx: Queryable,
  userId: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<ConversationRow[]> {
  return tx.query<ConversationRow>(
    `select ${columns} from conversations where user_id = $1 and gone is null and ($2::uuid is null or id > $2) order by id limit $3`,
    [userId, after ?? null, limit],
  )
}

/** Makes it under a new version, where there is none of this id. */
export async function insertConversation(tx: Queryable, userId: string, { id, privacy }: NewConversation, version: number): Promise<void> {
  await tx.query(
    `insert into conversations (user_id, id, v, privacy, privacy_v, created_at, updated_at)
     values ($1, $2, $3, $4, $3, date_trunc('milliseconds', now()), date_trunc('milliseconds', now()))`,
    [userId, id, version, privacy ?? 'auto'],
  )
}

/** Which columns hold what may be changed, each with its version beside it. */
const cells = {
  title: ['title', 'title_v'],
  pinned: ['pinned', 'pinned_v'],
  folderId: ['folder_id', 'folder_v'],
  headId: ['head_id', 'head_v'],
  modelId: ['model_id', 'model_v'],
  systemPrompt: ['system_prompt', 'system_prompt_v'],
  sampling: ['sampling', 'sampling_v'],
  keepState: ['keep_state', 'keep_state_v'],
  privacy: ['privacy', 'privacy_v'],
  life: ['life', 'life_v'],
} as const
export type Cells = Pick<ConversationChange, Exclude<keyof typeof cells, 'life'>> & { life?: 'live' | 'trash' }

/** Gives these cells their values under this version. `back`: a message that was not seen brought it back. */
export async function setCells(
  tx: Queryable,
  userId: string,
  { id, values, version, back = false }: { id: string; values: Cells; version: number; back?: boolean },
): Promise<void> {
  const parameters: unknown[] = [userId, id, version]
  const sets = ['v = $3']
  for (const [name, [column, versionColumn]] of Object.entries(cells)) {
    const value = values[name as keyof Cells]
    if (value === undefined) continue
    parameters.push(name === 'sampling' ? JSON.stringify(value) : value)
    sets.push(`${column} = $${parameters.length}`, `${versionColumn} = $3`)
  }
  if (values.life) sets.push(`life_back = ${back}`)
  await tx.query(`update conversations set ${sets.join(', ')} where user_id = $1 and id = $2`, parameters)
}

/** Deletes its messages, and all of it but that it was there. `seen`: the version up to which whoever deletes it had read. */
export async function buryConversation(
  tx: Queryable,
  userId: string,
  { id, version, seen }: { id: string; version: number; seen: number },
): Promise<void> {
  await tx.query('delete from messages where user_id = $1 and conversation_id = $2', [userId, id])
  await tx.query(
    `update conversations set v = $3, gone = 'purged', seen = $4, title = null, folder_id = null, head_id = null, model_id = null,
       system_prompt = null, sampling = '{}' where user_id = $1 and id = $2`,
    [userId, id, version, seen],
  )
}
