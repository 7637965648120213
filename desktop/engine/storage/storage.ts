import { join } from 'node:path'
import type { Notice } from '@fusion/shared/contract/engine.ts'
import type { ApiKeys } from './api-keys.ts'
import { assemble } from './assemble.ts'
import type { Attachments } from './attachments.ts'
import type { StorageChange } from './changes.ts'
import type { Conversations } from './conversations.ts'
import type { Drafts } from './drafts.ts'
import type { Folders } from './folders.ts'
import { lockFolder } from './lock.ts'
import type { Messages } from './messages.ts'
import type { Models } from './models.ts'
import { damageMark, openDatabase, openDatabaseToRead } from './open-database.ts'
import { salvage } from './salvage.ts'
import type { Search } from './search.ts'
import type { SettingsStore } from './settings.ts'
import { pruneSnapshots } from './snapshots.ts'
import { asFailure, isDamage } from './sqlite-failure.ts'
import type { States } from './states.ts'

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
  apiKeys: ApiKeys
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
  /** Only to read, where the folder can't be written to: every change then throws `data-folder-read-only`. */
  readOnly?: boolean
}

/**
 * Opens the data folder, or makes it. Throws `data-folder-in-use`, `data-folder-read-only`, `database-newer`, `disk-full`.
 * A damaged database is repaired, or set aside and what can be read of it brought over: a notice then says so.
 */
export function openStorage({ folder, now = Date.now, readOnly = false }: StorageOptions): Storage {
  try {
    return readOnly ? openToRead(folder, now) : openToWrite(folder, now)
  } catch (error) {
    throw asFailure(error, folder)
  }
}

function openToWrite(folder: string, now: () => number): Storage {
  const lock = lockFolder(folder)
  const file = join(folder, 'fusion.db')
  const open = () => {
    const sqlite = openDatabase(file, folder, now)
    try {
      return assemble({ sqlite, folder, now, release: () => lock.release() })
    } catch (error) {
      sqlite.close()
      throw error
    }
  }
  const openSalvaged = () => {
    const aside = salvage(file, folder, now())
    damageMark.clear(file)
    const storage = open()
    storage.say('database-damaged', { file: aside })
    return storage
  }
  try {
    pruneSnapshots(folder, now())
    if (damageMark.isSet(file)) return openSalvaged()
    try {
      return open()
    } catch (error) {
      if (!isDamage(error)) throw error
      return openSalvaged()
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Without a lock: who can't write can't be in anybody's way. */
function openToRead(folder: string, now: () => number): Storage {
  const sqlite = openDatabaseToRead(join(folder, 'fusion.db'))
  try {
    const storage = assemble({ sqlite, folder, now, release: () => {}, readOnly: true })
    storage.say('data-folder-read-only', { folder })
    return storage
  } catch (error) {
    sqlite.close()
    throw error
  }
}
