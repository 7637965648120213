import { join } from 'node:path'
import type { Code } from '@fusion/shared/contract/failures.ts'
import type { FailureDetail } from '@fusion/shared/rpc/failure.ts'
import { createApiKeys } from './api-keys.ts'
import { createAttachments } from './attachments.ts'
import type { FileCheck } from './check-file.ts'
import { createConnection, type Sqlite } from './connection.ts'
import { createConversations } from './conversations.ts'
import { createDrafts } from './drafts.ts'
import { createFolders } from './folders.ts'
import { createMessages } from './messages.ts'
import { createModels } from './models.ts'
import { createNotices } from './notices.ts'
import { damageMark } from './open-database.ts'
import { createPurge } from './purge.ts'
import { repairIndexes } from './repair.ts'
import { runBackground } from './run-background.ts'
import { createSearch } from './search.ts'
import { createSearchIndex } from './search-index.ts'
import { createSettings } from './settings.ts'
import { createSlices } from './slices.ts'
import { copiesIn } from './snapshots.ts'
import { isDamage } from './sqlite-failure.ts'
import { createStates } from './states.ts'
import type { Storage } from './storage.ts'

/** How long a slice of indexing may take, ms. */
const SLICE_MS = 15
/** An attachment that no message and no draft names is kept this long: it may be on its way into one. */
const UNUSED_ATTACHMENT_MS = 24 * 60 * 60 * 1000

export interface AssembleOptions {
  /** Open and of the newest version; closed with the storage. */
  sqlite: Sqlite
  folder: string
  now: () => number
  /** Gives the data folder back. */
  release: () => void
  readOnly?: boolean
}

/** Puts the parts of the storage together over one open database. */
export function assemble({ sqlite, folder, now, release, readOnly = false }: AssembleOptions): Storage & {
  say(code: Code, detail: FailureDetail): void
} {
  const file = join(folder, 'fusion.db')
  const closing = new AbortController()
  const connection = createConnection(sqlite, now)
  const notices = createNotices(connection, readOnly)
  const index = createSearchIndex(connection)
  const indexing = createSlices(() => {
    try {
      return index.workOff(SLICE_MS)
    } catch (error) {
      if (!isDamage(error)) throw error
      leaveToNextStart()
      return true
    }
  })
  const purge = createPurge(connection, index, folder, {
    async purgeCopies(conversationIds) {
      const files = copiesIn(folder)
      if (files.length > 0) await runBackground({ task: 'purge-copies', files, conversationIds }, closing.signal)
    },
    async checkpoint() {
      await runBackground({ task: 'checkpoint', file }, closing.signal)
    },
  })
  const conversations = createConversations(connection, notices, index, purge)
  const attachments = createAttachments(connection)
  const check = async () => (await runBackground({ task: 'check', file }, closing.signal)) as FileCheck

  /** There is damage that only a salvage mends. */
  function leaveToNextStart(): void {
    damageMark.set(file)
    notices.addForNow('database-needs-repair')
  }

  function rebuildIndexes(): void {
    // Both, whatever happens to the first.
    const leftBehind = [index.rebuild(), repairIndexes(sqlite)]
    if (leftBehind.includes(true)) damageMark.set(file)
    indexing.start()
  }

  let mended = false
  /** What is met while the storage is in use. It is mended once; what comes back after that is for the next start. */
  function mend(): boolean {
    try {
      if (mended) {
        leaveToNextStart()
        return false
      }
      mended = true
      rebuildIndexes()
      notices.add('database-repaired')
      return true
    } catch {
      leaveToNextStart()
      return false
    }
  }

  if (!readOnly) {
    connection.onDamage(mend)
    if (index.isOutdated() && index.rebuild()) damageMark.set(file)
    connection.onChange(change => {
      if (change.type === 'message-changed') indexing.start()
    })
    attachments.collect(now() - UNUSED_ATTACHMENT_MS)
    purge.resume()
    indexing.start()
  }

  return {
    conversations,
    folders: createFolders(connection, notices, conversations),
    messages: createMessages(connection, notices, index, conversations),
    drafts: createDrafts(connection, readOnly),
    attachments,
    settings: createSettings(connection),
    models: createModels(connection, notices),
    states: createStates(connection),
    apiKeys: createApiKeys(connection),
    search: createSearch(connection),
    notices: () => notices.all(),
    dismissNotice: id => notices.dismiss(id),
    atomically: connection.commit,
    onChange: connection.onChange,
    say: (code, detail) => notices.add(code, detail),
    async integrityCheck() {
      if ((await check()).sound) return 'sound'
      try {
        rebuildIndexes()
      } catch (error) {
        if (!isDamage(error)) throw error
      }
      if ((await check()).sound) {
        notices.add('database-repaired')
        return 'repaired'
      }
      leaveToNextStart()
      return 'damaged'
    },
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
      release()
    },
  }
}
