import { Compile } from 'typebox/compile'
import { Conversation, type ConversationSettings, type Privacy } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Connection } from './connection.ts'
import type { Notices } from './notices.ts'
import type { SearchIndex } from './search-index.ts'
import type { Purge } from './purge.ts'

export interface NewConversation {
  id: string
  title: string
  settings?: Partial<ConversationSettings>
  folderId?: string | null
  privacy?: Privacy
}

export interface Conversations {
  /** Those in the trash too; the one in which something was said last comes first. */
  all(): Conversation[]
  get(id: string): Conversation | undefined
  create(conversation: NewConversation): Conversation
  rename(id: string, title: string): void
  pin(id: string, pinned: boolean): void
  moveToFolder(id: string, folderId: string | null): void
  setPrivacy(id: string, privacy: Privacy): void
  setSettings(id: string, settings: Partial<ConversationSettings>): void
  setHead(id: string, messageId: string | null): void
  trash(id: string): void
  restore(id: string): void
  /** Gone from every file of the data folder when it resolves. Only from the trash: `not-in-trash`. */
  purge(id: string): Promise<void>
}

interface Row {
  key: number
  id: string
  title: string
  flag: number
  folder: string | null
  head: string | null
  model: string | null
  system_prompt: string | null
  sampling: string
  keep_state: number
  life: string
  priv: string
  created_at: number
  updated_at: number
}

const readable = Compile(Conversation)
const columns = 'key, id, title, flag, folder, head, model, system_prompt, sampling, keep_state, life, priv, created_at, updated_at'

export function createConversations(connection: Connection, notices: Notices, index: SearchIndex, purge: Purge): Conversations {
  const { sqlite, now, commit, read, tell } = connection
  const selectAll = sqlite.prepare<[], Row>(`select ${columns} from conv where gone is null order by updated_at desc, key desc`)
  const selectOne = sqlite.prepare<[string], Row>(`select ${columns} from conv where id = ? and gone is null`)
  const insert = sqlite.prepare(
    `insert into conv (id, title, folder, model, system_prompt, sampling, keep_state, priv, created_at, updated_at)
     values (:id, :title, :folder, :model, :systemPrompt, :sampling, :keepState, :privacy, :now, :now)`,
  )
  const updateTitle = sqlite.prepare('update conv set title = ? where id = ?')
  const updateFlag = sqlite.prepare('update conv set flag = ? where id = ?')
  const updateFolder = sqlite.prepare('update conv set folder = ? where id = ?')
  const updatePrivacy = sqlite.prepare('update conv set priv = ? where id = ?')
  const updateModel = sqlite.prepare('update conv set model = ? where id = ?')
  const updateSystemPrompt = sqlite.prepare('update conv set system_prompt = ? where id = ?')
  const updateSampling = sqlite.prepare('update conv set sampling = ? where id = ?')
  const updateKeepState = sqlite.prepare('update conv set keep_state = ? where id = ?')
  const updateHead = sqlite.prepare('update conv set head = ? where id = ?')
  const updateLife = sqlite.prepare('update conv set life = ? where id = ?')

  function toConversation(row: Row): Conversation | undefined {
    const conversation = {
      id: row.id,
      title: row.title,
      folderId: row.folder,
      pinned: row.flag === 1,
      privacy: row.priv,
      settings: {
        modelId: row.model,
        systemPrompt: row.system_prompt,
        sampling: parseJson(row.sampling),
        keepState: row.keep_state === 1,
      },
      headId: row.head,
      life: row.life,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
    return readable.Check(conversation) ? conversation : undefined
  }

  function parse(row: Row): Conversation | undefined {
    const conversation = toConversation(row)
    if (!conversation) notices.rowUnreadable('conv', row.key)
    return conversation
  }

  function find(id: string): Row {
    const row = selectOne.get(id)
    if (!row) throw failure('not-found')
    return row
  }

  function get(id: string): Conversation | undefined {
    return read(() => {
      const row = selectOne.get(id)
      return row && parse(row)
    })
  }

  /** Changes one chat and tells it. */
  function change(id: string, work: (row: Row) => void): void {
    commit(() => {
      const row = find(id)
      work(row)
      const changed = toConversation(find(id))
      if (changed) tell({ type: 'conversation-changed', conversation: changed })
      // A row that was damaged before may be changed, and stays as unreadable as it was.
      else if (toConversation(row)) throw failure('bad-input')
    })
  }

  return {
    all: () => read(() => selectAll.all().flatMap(row => parse(row) ?? [])),
    get,
    create({ id, title, settings = {}, folderId = null, privacy = 'auto' }) {
      return commit(() => {
        const { lastInsertRowid } = insert.run({
          id,
          title: title.toWellFormed(),
          folder: folderId,
          model: settings.modelId ?? null,
          systemPrompt: settings.systemPrompt?.toWellFormed() ?? null,
          sampling: JSON.stringify(settings.sampling ?? {}),
          keepState: settings.keepState === false ? 0 : 1,
          privacy,
          now: now(),
        })
        index.addTitle(Number(lastInsertRowid), title.toWellFormed())
        const conversation = toConversation(find(id))
        if (!conversation) throw failure('bad-input')
        tell({ type: 'conversation-changed', conversation })
        return conversation
      })
    },
    rename(id, title) {
      change(id, row => {
        index.removeTitle(row.key, row.title)
        index.addTitle(row.key, title.toWellFormed())
        updateTitle.run(title.toWellFormed(), id)
      })
    },
    pin: (id, pinned) => change(id, () => updateFlag.run(pinned ? 1 : 0, id)),
    moveToFolder: (id, folderId) => change(id, () => updateFolder.run(folderId, id)),
    setPrivacy: (id, privacy) => change(id, () => updatePrivacy.run(privacy, id)),
    setSettings(id, settings) {
      change(id, () => {
        if (settings.modelId !== undefined) updateModel.run(settings.modelId, id)
        if (settings.systemPrompt !== undefined) updateSystemPrompt.run(settings.systemPrompt?.toWellFormed() ?? null, id)
        if (settings.sampling !== undefined) updateSampling.run(JSON.stringify(settings.sampling), id)
        if (settings.keepState !== undefined) updateKeepState.run(settings.keepState ? 1 : 0, id)
      })
    },
    setHead(id, messageId) {
      change(id, () => {
        updateHead.run(messageId, id)
        tell({ type: 'path-changed', conversationId: id })
      })
    },
    trash: id => change(id, () => updateLife.run('trash', id)),
    restore: id => change(id, () => updateLife.run('live', id)),
    async purge(id) {
      const row = read(() => find(id))
      if (row.life !== 'trash') throw failure('not-in-trash')
      await purge.conversation(row.key, id)
    },
  }
}

/** JSON that this program wrote; undefined where it is damaged, so that the row fails its check. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
