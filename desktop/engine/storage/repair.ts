import type { Sqlite } from './connection.ts'
import { isDamage } from './sqlite-failure.ts'

/**
 * Makes every index anew. One whose pages can't even be read enough to be emptied is left behind, out of the schema, and a new one made
 * beside it: true then, since the file keeps pages that belong to nothing, until its rows are brought over into a new one.
 */
export function repairIndexes(sqlite: Sqlite): boolean {
  let leftBehind = false
  const indexes = sqlite.prepare<[], { name: string; sql: string | null }>(`select name, sql from sqlite_schema where type = 'index'`).all()
  for (const { name, sql } of indexes) {
    try {
      sqlite.exec(`reindex ${name}`)
    } catch (error) {
      // One without SQL belongs to its table and can't be made again alone.
      if (!isDamage(error) || sql === null) throw error
      leaveBehind(sqlite, name)
      sqlite.exec(sql)
      leftBehind = true
    }
  }
  return leftBehind
}

/** Makes a search table anew and empty; true where the old one had to be left behind. */
export function recreateSearchTable(sqlite: Sqlite, table: string): boolean {
  const sql = sqlite.prepare<[string], string>('select sql from sqlite_schema where name = ?').pluck().get(table)!
  let leftBehind = false
  try {
    sqlite.transaction(() => sqlite.exec(`drop table ${table}`))()
  } catch (error) {
    if (!isDamage(error)) throw error
    leaveBehind(sqlite, table)
    leftBehind = true
  }
  sqlite.exec(`${sql}; insert into ${table} (${table}, rank) values ('secure-delete', 1)`)
  return leftBehind
}

/** Takes an index, or a search table with the tables it is made of, out of the schema without touching its pages. */
function leaveBehind(sqlite: Sqlite, name: string): void {
  sqlite.unsafeMode(true)
  try {
    sqlite.pragma('writable_schema = on')
    sqlite
      .prepare(
        `delete from sqlite_schema where name = :name or tbl_name = :name or tbl_name in (:name || '_data', :name || '_idx', :name || '_config')`,
      )
      .run({ name })
    sqlite.pragma('writable_schema = reset')
  } finally {
    sqlite.unsafeMode(false)
  }
}
