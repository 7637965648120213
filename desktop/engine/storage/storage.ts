import Database from 'better-sqlite3'
import { join } from 'node:path'
import type { Notice } from '@fusion/shared/contract/engine.ts'
import { createAttachments, type Attachments } from './attachments.ts'
import type { StorageChange } from './changes.ts'
import { createConnection, setUp } from './connection.ts'
import { createConversations, type Conversations } from './conversations.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import { createFolders, type Folders } from './folders.ts'
import { lockFolder } from './lock.ts'
import { createMessages, type Messages } from './messages.ts'
import { migrate } from './migrate.ts'
import { createModels, type Models } from './models.ts'
import { createNotices } from './notices.ts'
import { createPurge } from './purge.ts'
import { createSearch, type Search } from './search.ts'
import { createSearchIndex } from './search-index.ts'
import { createSettings, type SettingsStore } from './settings.ts'
import { createStates, type States } from './states.ts'

/** Everything Fusion keeps on this machine, in one SQLite file in the data folder. Synchronous and short, unless it returns a promise. */
export interface Storage {
  conversations: Conversations
  folders: Folders
  messages: Messages
  drafts: Drafts
  attachments: Attachments
  settings: SettingsStore
  models: Models
  states: States
  search: Pick<Search, 'find'>
  notices(): Notice[]
  dismissNotice(id: string): void
  /** Several changes as one: all of them are kept, or none. */
  atomically<T>(work: () => T): T
  onChange(listener: (change: StorageChange) => void): () => void
  close(): void
}

/**
 * Opens the data folder, or makes it. Throws `data-folder-in-use`, `data-folder-read-only`, `database-newer`, `disk-full`.
 */
export function openStorage({ folder, now = Date.now }: { folder: string; now?: () => number }): Storage {
  const lock = lockFolder(folder)
  try {
    const sqlite = new Database(join(folder, 'fusion.db'))
    setUp(sqlite)
    migrate(sqlite, () => {})
    const connection = createConnection(sqlite, now)
    const notices = createNotices(connection)
    const index = createSearchIndex(connection)
    if (index.isOutdated()) index.rebuild()
    const search = createSearch(connection)
    const conversations = createConversations(connection, notices, index, createPurge(connection))
    return {
      conversations,
      folders: createFolders(connection, notices, conversations),
      messages: createMessages(connection, notices, index, conversations),
      drafts: createDrafts(connection),
      attachments: createAttachments(connection),
      settings: createSettings(connection),
      models: createModels(connection, notices),
      states: createStates(connection),
      search,
      notices: () => notices.all(),
      dismissNotice: id => notices.dismiss(id),
      atomically: connection.commit,
      onChange: connection.onChange,
      close() {
        connection.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}
