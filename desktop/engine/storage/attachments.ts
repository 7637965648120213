import { createHash } from 'node:crypto'
import type { AttachmentPart } from '@fusion/shared/chat/message.ts'
import type { Connection } from './connection.ts'
import { scrub } from './scrub.ts'

const UNNAMED = `not exists (select 1 from msg_attachment where msg_attachment.hash = attachment.hash)
     and not exists (select 1 from draft_attachment where draft_attachment.hash = attachment.hash)`

export interface Attachments {
  /** Keeps the text of a file, once for each content. It belongs to no chat until a message or a draft names it. */
  add(name: string, text: string): AttachmentPart
  read(hash: string): string | undefined
  /** Removes those of these that no message and no draft names, now and from every page of the database. */
  discard(hashes: readonly string[]): Promise<void>
  /** Removes what no message and no draft has named since `olderThan`, ms. */
  collect(olderThan: number): void
}

export function createAttachments(connection: Connection): Attachments {
  const { sqlite, now, commit, read } = connection
  const insert = sqlite.prepare(
    `insert into attachment (hash, text, bytes, created_at) values (?, ?, ?, ?)
     on conflict (hash) do update set created_at = excluded.created_at`,
  )
  const select = sqlite.prepare<[string], string>('select text from attachment where hash = ?').pluck()
  const collect = sqlite.prepare(`delete from attachment where created_at < ? and ${UNNAMED}`)
  const remove = sqlite.prepare(`delete from attachment where hash = ? and ${UNNAMED}`)

  return {
    add(name, text) {
      const content = text.toWellFormed()
      const hash = createHash('sha256').update(content, 'utf8').digest('hex')
      const bytes = Buffer.byteLength(content, 'utf8')
      commit(() => insert.run(hash, content, bytes, now()))
      return { type: 'attachment', hash, name: name.toWellFormed(), bytes }
    },
    read: hash => read(() => select.get(hash)),
    async discard(hashes) {
      const removed = hashes.length > 0 && commit(() => hashes.filter(hash => remove.run(hash).changes > 0))
      if (removed && removed.length > 0) await scrub(sqlite)
    },
    collect: olderThan => void commit(() => collect.run(olderThan)),
  }
}
