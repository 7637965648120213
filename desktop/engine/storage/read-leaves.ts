import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Sqlite } from './connection.ts'
import { isDamage } from './sqlite-failure.ts'

/** The first byte of a page that holds rows of a table (sqlite.org/fileformat.html §1.6). */
const TABLE_LEAF = 13

/**
 * Reads a table whose root page is lost: every page of the file that holds rows is laid in the root's place, one after the other, and read
 * as if it were the whole table. `keep` is given rows of other tables, too, and has to refuse them. Pages that were given back are zeros
 * (secure_delete), so nothing that was deleted comes again. Changes the file: only for a copy.
 */
export function readLeaves(source: Sqlite, table: string, columns: readonly string[], keep: (row: unknown[]) => void): void {
  source.pragma('wal_checkpoint(truncate)')
  const size = source.pragma('page_size', { simple: true }) as number
  const root = source.prepare<[string], number>('select rootpage from sqlite_schema where name = ?').pluck().get(table)
  if (root === undefined) return
  const select = source.prepare<[], unknown[]>(`select ${columns.join(', ')} from ${table} not indexed`).raw()
  const page = Buffer.alloc(size)
  const handle = openSync(source.name, 'r+')
  try {
    const pages = Math.floor(fstatSync(handle).size / size)
    for (let number = 2; number <= pages; number++) {
      readSync(handle, page, 0, size, (number - 1) * size)
      if (number === root || page[0] !== TABLE_LEAF) continue
      writeSync(handle, page, 0, size, (root - 1) * size)
      // SQLite forgets the page that it remembers of the one before.
      source.pragma('shrink_memory')
      try {
        for (const row of select.iterate()) keep(row)
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    }
  } finally {
    closeSync(handle)
  }
}

/** True where at least one end of the table can be read. */
export function isReached(source: Sqlite, table: string): boolean {
  return ['asc', 'desc'].some(order => {
    try {
      source.prepare(`select rowid from ${table} not indexed order by rowid ${order} limit 1`).get()
      return true
    } catch (error) {
      if (!isDamage(error)) throw error
      return false
    }
  })
}
