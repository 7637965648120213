import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from './connection.ts'
import { createIndexErase } from './index-erase.ts'
import { cleanSeparators } from './index-residue.ts'
import type { Place, SearchIndex } from './search-index.ts'
import { bodyParts } from './search-index.ts'
import { scrub } from './scrub.ts'
import { createSlices } from './slices.ts'

export interface Purge {
  /** Resolves when no file of the data folder holds a word of the chat. */
  conversation(key: number, id: string): Promise<void>
  /** Goes on with the purges that a crash or a full disk cut short. */
  resume(): void
  /** Resolves when no purge is under way. */
  done(): Promise<void>
  stop(): void
}

/** One slice of a purge. */
const SLICE_MS = 10

/** Cleans the copies of the database, migration snapshots and the like, of one chat. */
export type PurgeCopies = (conversationId: string) => Promise<void>

export function createPurge(connection: Connection, index: SearchIndex, folder: string, purgeCopies: PurgeCopies): Purge {
  const { sqlite, commit, tell } = connection
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
  const running = new Map<string, { purge: Promise<void>; stop(): void }>()
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

  function removeNext(key: number, words: Set<string>): boolean {
    const message = selectNext.get(key)
    if (!message) return false
    if (message.status !== 'growing') for (const word of index.removeMessage(message, bodyParts(message.body))) words.add(word)
    const hashes = selectHashes.all(message.seq)
    deleteHashes.run(message.seq)
    for (const hash of hashes) deleteAttachment.run(hash)
    deleteGrowth.run(message.seq)
    deleteMessage.run(message.seq)
    return true
  }

  async function finish(key: number, id: string): Promise<void> {
    if (!sqlite.open) throw new Error('The storage was closed')
    for (const file of selectFiles.all(id)) rmSync(join(folder, 'states', file), { force: true })
    commit(() => {
      optimizeTitles.run()
      deleteStates.run(id)
      deleteConversation.run(key)
    })
    await scrub(sqlite)
    await purgeCopies(id)
  }

  /** `all`: what a purge before this one had taken out is not known, so that everything has to be written anew. */
  function run(key: number, id: string, all: boolean): Promise<void> {
    const already = running.get(id)
    if (already) return already.purge
    const words = new Set<string>()
    let begun = false
    const work = createSlices(() => {
      if (!begun) erase.begin(all ? Infinity : countMessages.get(key)!)
      begun = true
      const end = performance.now() + SLICE_MS
      const isEmpty = commit(() => {
        for (let count = 0; count < erase.perSlice() && performance.now() < end; count++) if (!removeNext(key, words)) return true
        return false
      })
      return isEmpty && erase.mergeSlice()
    })
    // One after the other: they would undo each other's way of deleting.
    const purge = last
      .then(() => work.done())
      .then(() => cleanSeparators(sqlite, words))
      .then(() => finish(key, id))
      .finally(() => running.delete(id))
    last = purge.catch(() => {})
    running.set(id, { purge, stop: () => work.stop() })
    return purge
  }

  return {
    conversation(key, id) {
      begin(key, id)
      return run(key, id, false)
    },
    resume() {
      // What fails now (a full disk) is tried again at the next start.
      for (const { key, id } of selectUnfinished.all()) run(key, id, true).catch(() => {})
    },
    async done() {
      await Promise.all(Array.from(running.values(), ({ purge }) => purge))
    },
    stop() {
      for (const { stop } of running.values()) stop()
    },
  }
}
