import type { Connection } from './connection.ts'

/** A KV state file of a chat: `file` is its name in the data folder's `states`. */
export interface KeptState {
  conversationId: string
  modelId: string
  file: string
  bytes: number
  tokens: number
  usedAt: number
}

export interface States {
  /** Used longest ago first: the order in which they give way. */
  all(): KeptState[]
  get(conversationId: string, modelId: string): KeptState | undefined
  put(state: KeptState): void
  touch(conversationId: string, modelId: string): void
  /** Forgets the states of a chat, or that of one model, and returns their files' names, to delete. */
  remove(conversationId: string, modelId?: string): string[]
}

export function createStates(connection: Connection): States {
  const { sqlite, now, commit, commitLightly, read } = connection
  const columns = 'conversation_id as conversationId, model_id as modelId, file, bytes, tokens, used_at as usedAt'
  const selectAll = sqlite.prepare<[], KeptState>(`select ${columns} from state order by used_at`)
  const selectOne = sqlite.prepare<[string, string], KeptState>(`select ${columns} from state where conversation_id = ? and model_id = ?`)
  const upsert = sqlite.prepare(
    `insert or replace into state (conversation_id, model_id, file, bytes, tokens, used_at)
     values (:conversationId, :modelId, :file, :bytes, :tokens, :usedAt)`,
  )
  const touch = sqlite.prepare('update state set used_at = ? where conversation_id = ? and model_id = ?')
  const remove = sqlite
    .prepare<[string, string | null], string>(
      'delete from state where conversation_id = ? and model_id = coalesce(?, model_id) returning file',
    )
    .pluck()

  return {
    all: () => read(() => selectAll.all()),
    get: (conversationId, modelId) => read(() => selectOne.get(conversationId, modelId)),
    put: state => void commit(() => upsert.run(state)),
    touch: (conversationId, modelId) => void commitLightly(() => touch.run(now(), conversationId, modelId)),
    remove: (conversationId, modelId) => commit(() => remove.all(conversationId, modelId ?? null)),
  }
}
