import { Compile } from 'typebox/compile'
import type { ConversationSettings } from '@fusion/shared/chat/conversation.ts'
import { ConversationSettings as ConversationSettingsSchema } from '@fusion/shared/chat/conversation.ts'
import { Draft } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Type } from 'typebox'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'

export interface Drafts {
  /** An empty draft where there is none. */
  get(conversationId: string): Draft
  set(conversationId: string, draft: Draft): void
  /** Settings of a chat that is only a draft. */
  getSettings(conversationId: string): Partial<ConversationSettings>
  /** Adds to them; with null they are forgotten. */
  setSettings(conversationId: string, settings: Partial<ConversationSettings> | null): void
  /** The id under which the next new chat is drafted. */
  newConversationId(): string
  /** Called when that chat got its first message; returns the next id. */
  renewNewConversationId(): string
}

const readableDraft = Compile(Draft)
const readableSettings = Compile(Type.Partial(ConversationSettingsSchema))
const NEW_CONVERSATION = 'new-conversation'

export function createDrafts(connection: Connection, readOnly = false): Drafts {
  const { sqlite, now, commit, commitLightly, read, whereSound, tell } = connection
  const select = sqlite.prepare<[string], { draft: string | null; settings: string | null }>(
    'select draft, settings from draft where conversation_id = ?',
  )
  const upsertDraft = sqlite.prepare(
    `insert into draft (conversation_id, draft, updated_at) values (?, ?, ?)
     on conflict do update set draft = excluded.draft, updated_at = excluded.updated_at`,
  )
  const upsertSettings = sqlite.prepare(
    `insert into draft (conversation_id, settings, updated_at) values (?, ?, ?)
     on conflict do update set settings = excluded.settings, updated_at = excluded.updated_at`,
  )
  const removeEmpty = sqlite.prepare('delete from draft where conversation_id = ? and draft is null and settings is null')
  const insertAttachment = sqlite.prepare('insert or ignore into draft_attachment (conversation_id, hash) values (?, ?)')
  const removeAttachments = sqlite.prepare('delete from draft_attachment where conversation_id = ?')
  const selectMeta = sqlite.prepare<[string], string>('select value from meta where name = ?').pluck()
  const upsertMeta = sqlite.prepare('insert into meta (name, value) values (?, ?) on conflict do update set value = excluded.value')

  const unkeptId = newId(now())

  function getSettings(conversationId: string): Partial<ConversationSettings> {
    return whereSound({}, () => {
      const settings = parseJson(select.get(conversationId)?.settings ?? '{}')
      return readableSettings.Check(settings) ? settings : {}
    })
  }

  function renewNewConversationId(): string {
    return commit(() => {
      const newConversationId = newId(now())
      upsertMeta.run(NEW_CONVERSATION, newConversationId)
      tell({ type: 'new-conversation', newConversationId })
      return newConversationId
    })
  }

  return {
    get(conversationId) {
      const draft = whereSound(null, () => parseJson(select.get(conversationId)?.draft ?? 'null'))
      return readableDraft.Check(draft) ? draft : { text: '', attachments: [] }
    },
    set(conversationId, draft) {
      commitLightly(() => {
        const empty = draft.text === '' && draft.attachments.length === 0
        upsertDraft.run(conversationId, empty ? null : JSON.stringify(draft), now())
        removeAttachments.run(conversationId)
        for (const { hash } of draft.attachments) insertAttachment.run(conversationId, hash)
        removeEmpty.run(conversationId)
        tell({ type: 'draft-changed', conversationId, draft })
      })
    },
    getSettings,
    setSettings(conversationId, settings) {
      commit(() => {
        const merged = settings && { ...getSettings(conversationId), ...settings }
        upsertSettings.run(conversationId, merged && JSON.stringify(merged), now())
        removeEmpty.run(conversationId)
        tell({ type: 'draft-settings-changed', conversationId, draftSettings: merged ?? {} })
      })
    },
    newConversationId: () => read(() => selectMeta.get(NEW_CONVERSATION)) ?? (readOnly ? unkeptId : renewNewConversationId()),
    renewNewConversationId,
  }
}
