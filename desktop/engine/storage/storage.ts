import { join } from 'node:path'
import type { Notice } from '@fusion/shared/contract/engine.ts'
import { createAttachments, type Attachments } from './attachments.ts'
import type { StorageChange } from './changes.ts'
import type { FileCheck } from './check-file.ts'
import { createConnection } from './connection.ts'
import { createConversations, type Conversations } from './conversations.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import { createFolders, type Folders } from './folders.ts'
import { lockFolder } from './lock.ts'
import { createMessages, type Messages } from './messages.ts'
import { createModels, type Models } from './models.ts'
import { createNotices } from './notices.ts'
import { damageMark, openDatabase } from './open-database.ts'
import { createPurge } from './purge.ts'
import { runBackground } from './run-background.ts'
import { salvage } from './salvage.ts'
import { createSearch, type Search } from './search.ts'
import { createSearchIndex } from './search-index.ts'
import { createSettings, type SettingsStore } from './settings.ts'
import { createSlices } from './slices.ts'
import { copiesIn, pruneSnapshots } from './snapshots.ts'
import { asFailure, isDamage, isSearchDamage } from './sqlite-failure.ts'
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
  search: Search
  notices(): Notice[]
  dismissNotice(id: string): void
  /** Several changes as one, durably: all of them are kept, or none. */
  atomically<T>(work: () => T): T
  onChange(listener: (change: StorageChange) => void): () => void
  /**
   * Checks the whole file, in a thread of its own; damaged indexes are made anew. `damaged`: there is more, and the next start will set
   * the file aside and bring over what can be read.
   */
  integrityCheck(): Promise<'sound' | 'repaired' | 'damaged'>
  /** Resolves when nothing is done in the background any more: indexing, purges. */
  idle(): Promise<void>
  close(): void
}

export interface StorageOptions {
  /** The data folder. */
  folder: string
  now?: () => number
}

/** How long a slice of indexing may take, ms. */
const SLICE_MS = 15
/** An attachment that no message and no draft names is kept this long: it may be on its way into one. */
const UNUSED_ATTACHMENT_MS = 24 * 60 * 60 * 1000

/**
 * Opens the data folder, or makes it. Throws `data-folder-in-use`, `data-folder-read-only`, `database-newer`, `disk-full`.
 * A damaged database is repaired, or set aside and what can be read of it brought over: a notice then says so.
 */
export function openStorage({ folder, now = Date.now }: StorageOptions): Storage {
  const lock = lockFolder(folder)
  const file = join(folder, 'fusion.db')
  try {
    pruneSnapshots(folder, now())
    let aside: string | undefined
    if (damageMark.isSet(file)) {
      aside = salvage(file, folder, now())
      damageMark.clear(file)
    }
    let storage: Assembled
    try {
      storage = assemble(file, folder, now, lock)
    } catch (error) {
      if (aside !== undefined || !isDamage(error)) throw error
      aside = salvage(file, folder, now())
      storage = assemble(file, folder, now, lock)
    }
    if (aside !== undefined) storage.sayDamaged(aside)
    return storage
  } catch (error) {
    lock.release()
    throw asFailure(error)
  }
}

type Assembled = Storage & { sayDamaged(aside: string): void }

function assemble(file: string, folder: string, now: () => number, lock: { release(): void }): Assembled {
  const sqlite = openDatabase(file, folder, now)
  try {
    const closing = new AbortController()
    const connection = createConnection(sqlite, now)
    const notices = createNotices(connection)
    const index = createSearchIndex(connection)
    if (index.isOutdated()) index.rebuild()
    const indexing = createSlices(() => index.workOff(SLICE_MS))
    const purge = createPurge(connection, index, folder, async conversationId => {
      const files = copiesIn(folder)
      if (files.length > 0) await runBackground({ task: 'purge-copies', files, conversationId }, closing.signal)
    })
    const search = createSearch(connection)
    const conversations = createConversations(connection, notices, index, purge)
    const attachments = createAttachments(connection)
    connection.onDamage(error => {
      try {
        if (isSearchDamage(error)) index.rebuild()
        else sqlite.exec('reindex')
        notices.add('database-repaired')
      } catch (still) {
        if (isDamage(still)) damageMark.set(file)
        return false
      }
      indexing.start()
      return true
    })
    connection.onChange(change => {
      if (change.type === 'message-changed') indexing.start()
    })
    attachments.collect(now() - UNUSED_ATTACHMENT_MS)
    purge.resume()
    indexing.start()

    const check = async () => (await runBackground({ task: 'check', file }, closing.signal)) as FileCheck
    return {
      conversations,
      folders: createFolders(connection, notices, conversations),
      messages: createMessages(connection, notices, index, conversations),
      drafts: createDrafts(connection),
      attachments,
      settings: createSettings(connection),
      models: createModels(connection, notices),
      states: createStates(connection),
      search,
      notices: () => notices.all(),
      dismissNotice: id => notices.dismiss(id),
      atomically: connection.commit,
      onChange: connection.onChange,
      async integrityCheck() {
        if ((await check()).sound) return 'sound'
        try {
          sqlite.exec('reindex')
          index.rebuild()
          indexing.start()
        } catch (error) {
          if (!isDamage(error)) throw error
        }
        if ((await check()).sound) {
          notices.add('database-repaired')
          return 'repaired'
        }
        damageMark.set(file)
        return 'damaged'
      },
      sayDamaged: aside => notices.add('database-damaged', { file: aside }),
      async idle() {
        await purge.done()
        await indexing.done()
      },
      close() {
        if (closing.signal.aborted) return
        closing.abort()
        indexing.stop()
        purge.stop()
        connection.close()
        lock.release()
      },
    }
  } catch (error) {
    sqlite.close()
    throw error
  }
}
