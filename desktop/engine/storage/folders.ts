import { Compile } from 'typebox/compile'
import { Folder } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Connection } from './connection.ts'
import type { Conversations } from './conversations.ts'
import type { Notices } from './notices.ts'

export interface Folders {
  /** By name. */
  all(): Folder[]
  add(name: string): Folder
  rename(id: string, name: string): void
  /** Its chats stay, outside any folder. */
  remove(id: string): void
}

interface Row {
  id: string
  name: string
  created_at: number
}

const readable = Compile(Folder)

export function createFolders(connection: Connection, notices: Notices, conversations: Pick<Conversations, 'moveToFolder'>): Folders {
  const { sqlite, now, commit, read, tell } = connection
  const selectAll = sqlite.prepare<[], Row>('select id, name, created_at from folder where gone is null order by name, id')
  const selectOne = sqlite.prepare<[string], Row>('select id, name, created_at from folder where id = ? and gone is null')
  const selectChats = sqlite.prepare<[string], string>('select id from conv where folder = ? and gone is null').pluck()
  const insert = sqlite.prepare('insert into folder (id, name, created_at) values (?, ?, ?)')
  const updateName = sqlite.prepare('update folder set name = ? where id = ? and gone is null')
  // The row stays when the server knows it: a tombstone that sync has yet to tell.
  const remove = sqlite.prepare('delete from folder where id = ? and v = 0')
  const bury = sqlite.prepare(`update folder set name = '', gone = 'purged' where id = ? and v > 0`)

  function toFolder(row: Row): Folder | undefined {
    const folder = { id: row.id, name: row.name, createdAt: row.created_at }
    return readable.Check(folder) ? folder : undefined
  }

  function parse(row: Row): Folder | undefined {
    const folder = toFolder(row)
    if (!folder) notices.rowUnreadable('folder', row.id)
    return folder
  }

  function changed(id: string): Folder {
    const row = selectOne.get(id)
    if (!row) throw failure('not-found')
    const folder = toFolder(row)
    if (!folder) throw failure('bad-input')
    tell({ type: 'folder-changed', folder })
    return folder
  }

  return {
    all: () => read(() => selectAll.all().flatMap(row => parse(row) ?? [])),
    add(name) {
      return commit(() => {
        const id = newId(now())
        insert.run(id, name.toWellFormed(), now())
        return changed(id)
      })
    },
    rename(id, name) {
      commit(() => {
        updateName.run(name.toWellFormed(), id)
        changed(id)
      })
    },
    remove(id) {
      commit(() => {
        if (!selectOne.get(id)) throw failure('not-found')
        for (const chat of selectChats.all(id)) conversations.moveToFolder(chat, null)
        remove.run(id)
        bury.run(id)
        tell({ type: 'folder-gone', folderId: id })
      })
    },
  }
}
