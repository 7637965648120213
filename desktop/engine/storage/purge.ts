import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from './connection.ts'
import { createIndexErase } from './index-erase.ts'
import { cleanSeparators } from './index-residue.ts'
import type { Place, SearchIndex } from './search-index.ts'
import { bodyParts } from './search-index.ts'
import { scrub } from './scrub.ts'

export interface Purge {
  /** Resolves when no file of the data folder holds a word of the chat. */
  conversation(key: number, id: string): Promise<void>
  /** Goes on with the purges that a crash or a full disk cut short. */
  resume(): void
  /** Resolves when no purge is under way. */
  done(): Promise<void>
  stop(): void
}

/** One slice of a purge, without what its commit takes. */
const SLICE_MS = 5

/** Words whose count is lowered in one slice: each lies on a page of its own, that has to be written. */
const SLICE_WORDS = 250

/** Beyond, the WAL is written back in between: the less often, the fewer pages are written twice. */
const WAL_BYTES = 64_000_000

/** What is done in a thread of its own. */
export interface PurgeBackground {
  /** Cleans the copies of the database, migration snapshots and the like. */
  purgeCopies(conversationIds: readonly string[]): Promise<void>
  /** Writes back what lies in the WAL. */
  checkpoint(): Promise<void>
}

interface Doomed {
  key: number
  id: string
  /** By a process that ended before. */
  resumed: boolean
}

export function createPurge(
  connection: Connection,
  index: SearchIndex,
  folder: string,
  { purgeCopies, checkpoint }: PurgeBackground,
): Purge {
  const { sqlite, commit, commitLightly, tell } = connection
  const selectDraftHashes = sqlite.prepare<[string], string>('select hash from draft_attachment where conversation_id = ?').pluck()
  const deleteDraftHashes = sqlite.prepare('delete from draft_attachment where conversation_id = ?')
  const deleteDraft = sqlite.prepare('delete from draft where conversation_id = ?')
  const selectTitle = sqlite.prepare<[number], string>('select title from conv where key = ? and gone is null').pluck()
  const empty = sqlite.prepare(
    `update conv set gone = 'purged', title = '', flag = 0, folder = null, head = null, model = null, system_prompt = null, sampling = '{}'
     where key = ?`,
  )
  const selectNext = sqlite.prepare<[number], Place & { body: string; status: string }>(
    'select seq, conv, pieces, body, status from msg where conv = ? order by seq desc limit 1',
  )
  const selectHashes = sqlite.prepare<[number], string>('select hash from msg_attachment where msg = ?').pluck()
  const deleteHashes = sqlite.prepare('delete from msg_attachment where msg = ?')
  const deleteGrowth = sqlite.prepare('delete from growth where msg = ?')
  const deleteMessage = sqlite.prepare('delete from msg where seq = ?')
  const deleteAttachment = sqlite.prepare(
    `delete from attachment where hash = ?
     and not exists (select 1 from msg_attachment where msg_attachment.hash = attachment.hash)
     and not exists (select 1 from draft_attachment where draft_attachment.hash = attachment.hash)`,
  )
  const selectFiles = sqlite.prepare<[string], string>('select file from state where conversation_id = ?').pluck()
  const deleteStates = sqlite.prepare('delete from state where conversation_id = ?')
  // A chat that the server knows stays as a tombstone, for sync to tell.
  const deleteConversation = sqlite.prepare('delete from conv where key = ? and v = 0')
  const selectUnfinished = sqlite.prepare<[], { key: number; id: string }>(
    `select key, id from conv where gone = 'purged' and (v = 0 or exists (select 1 from msg where msg.conv = conv.key))`,
  )
  const countMessages = sqlite.prepare<[number], number>('select count(*) from msg where conv = ?').pluck()
  const erase = createIndexErase(connection)
  const running = new Map<string, Promise<void>>()
  let next: { chats: Doomed[]; purge: Promise<void> } | undefined
  let stopped = false
  let last: Promise<void> = Promise.resolve()

  function begin(key: number, id: string): void {
    commit(() => {
      const title = selectTitle.get(key)
      if (title !== undefined) index.removeTitle(key, title)
      empty.run(key)
      const hashes = selectDraftHashes.all(id)
      deleteDraftHashes.run(id)
      deleteDraft.run(id)
      for (const hash of hashes) deleteAttachment.run(hash)
      tell({ type: 'conversation-gone', conversationId: id })
    })
  }

  // Titles are few: their index is written anew as a whole, about 20 ms for 10,000.
  const optimizeTitles = sqlite.prepare(`insert into title_search (title_search) values ('optimize')`)

  function removeNext(key: number, uses: Map<string, number>): boolean {
    const message = selectNext.get(key)
    if (!message) return false
    if (message.status !== 'growing') index.removeMessage(message, bodyParts(message.body), uses)
    const hashes = selectHashes.all(message.seq)
    deleteHashes.run(message.seq)
    for (const hash of hashes) deleteAttachment.run(hash)
    deleteGrowth.run(message.seq)
    deleteMessage.run(message.seq)
    return true
  }

  /** Takes messages of the last of these chats out, for one slice; a chat that is empty leaves the list. */
  function removeSlice(keys: number[], words: Set<string>): void {
    const end = performance.now() + SLICE_MS
    const uses = new Map<string, number>()
    // Without an fsync: the purge is kept durably as begun, and a crash begins it anew.
    commitLightly(() => {
      for (let count = 0; keys.length > 0 && count < erase.perSlice() && uses.size < SLICE_WORDS && performance.now() < end; count++) {
        if (!removeNext(keys.at(-1)!, uses)) keys.pop()
      }
      for (const word of index.forgetUses(uses)) words.add(word)
    })
  }

  /** Does the work in slices, and leaves as much time to others in between. */
  async function inSlices(slice: () => boolean): Promise<void> {
    for (;;) {
      if (stopped) throw new Error('The storage was closed')
      const began = performance.now()
      if (slice()) return
      const took = performance.now() - began
      if (statSync(`${sqlite.name}-wal`).size > WAL_BYTES) await checkpoint()
      await new Promise(resolve => setTimeout(resolve, Math.min(SLICE_MS, took)))
    }
  }

  function removeStates(id: string): void {
    for (const file of selectFiles.all(id)) rmSync(join(folder, 'states', file), { force: true })
    deleteStates.run(id)
  }

  async function purgeRound(chats: readonly Doomed[]): Promise<void> {
    const words = new Set<string>()
    const keys = chats.map(({ key }) => key)
    const messages = keys.reduce((sum, key) => sum + countMessages.get(key)!, 0)
    // What an earlier purge that was cut short had taken out is not known, so that everything has to be written anew.
    erase.begin(chats.some(({ resumed }) => resumed) ? Infinity : messages)
    // SQLite would write the WAL back in the middle of a commit, and wait for the disk: 50 ms and more.
    sqlite.pragma('wal_autocheckpoint = 0')
    try {
      await inSlices(() => {
        if (!erase.tidySlice()) return false
        removeSlice(keys, words)
        return keys.length === 0
      })
      await inSlices(() => erase.mergeSlice())
      await cleanSeparators(sqlite, words)
      await checkpoint()
      if (stopped) throw new Error('The storage was closed')
      commit(() => {
        optimizeTitles.run()
        for (const { key, id } of chats) {
          removeStates(id)
          deleteConversation.run(key)
        }
      })
      await scrub(sqlite)
      await purgeCopies(chats.map(({ id }) => id))
    } finally {
      if (sqlite.open) sqlite.pragma('wal_autocheckpoint = 1000')
    }
  }

  /** The chats that are given while a round is under way make up the next one: the whole file is read only once for all of them. */
  function run(chat: Doomed): Promise<void> {
    const already = running.get(chat.id)
    if (already) return already
    if (!next) {
      const chats: Doomed[] = []
      const purge = last
        .then(() => {
          next = undefined
          return purgeRound(chats)
        })
        .finally(() => chats.forEach(({ id }) => running.delete(id)))
      last = purge.catch(() => {})
      next = { chats, purge }
    }
    next.chats.push(chat)
    running.set(chat.id, next.purge)
    return next.purge
  }

  return {
    conversation(key, id) {
      begin(key, id)
      return run({ key, id, resumed: false })
    },
    resume() {
      // What fails now (a full disk) is tried again at the next start.
      for (const { key, id } of selectUnfinished.all()) run({ key, id, resumed: true }).catch(() => {})
    },
    async done() {
      await Promise.all(running.values())
    },
    stop() {
      stopped = true
    },
  }
}
