import Database from 'better-sqlite3'
import { renameSync, rmSync } from 'node:fs'
import { setUp } from './connection.ts'
import { removeCopy } from './snapshots.ts'

/**
 * Takes chats out of a copy of the database and writes the copy anew, so that not a freed byte of it is left. Its search index is
 * emptied: it is made anew should the copy ever be opened. A copy that cannot be cleaned so (damaged, of other tables) is deleted.
 */
export function purgeCopy(file: string, conversationIds: readonly string[]): void {
  const clean = `${file}.part`
  rmSync(clean, { force: true })
  try {
    const sqlite = new Database(file)
    try {
      setUp(sqlite)
      sqlite.transaction(() => {
        for (const id of conversationIds) deleteChat(sqlite, id)
        emptyIndexes(sqlite)
      })()
      sqlite.prepare('vacuum into ?').run(clean)
    } finally {
      sqlite.close()
    }
    removeCopy(file)
    renameSync(clean, file)
  } catch {
    removeCopy(file)
    rmSync(clean, { force: true })
  }
}

function deleteChat(sqlite: Database.Database, id: string): void {
  const messages = 'select seq from msg where conv = (select key from conv where id = :id)'
  const statements = [
    `delete from draft_attachment where conversation_id = :id`,
    `delete from draft where conversation_id = :id`,
    `delete from state where conversation_id = :id`,
    `delete from msg_attachment where msg in (${messages})`,
    `delete from growth where msg in (${messages})`,
    `delete from msg where conv = (select key from conv where id = :id)`,
    `delete from conv where id = :id`,
  ]
  for (const sql of statements) sqlite.prepare(sql).run({ id })
}

function emptyIndexes(sqlite: Database.Database): void {
  sqlite.exec(`
    delete from attachment where hash not in (select hash from msg_attachment union select hash from draft_attachment);
    delete from search_todo;
    delete from search_word;
    insert into msg_search (msg_search) values ('delete-all');
    insert into title_search (title_search) values ('delete-all');
    delete from meta where name = 'search-version';
  `)
}
