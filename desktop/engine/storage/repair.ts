import type { Sqlite } from './connection.ts'
import { isDamage, sqliteCode } from './sqlite-failure.ts'

/**
 * Makes every index anew. One whose pages can't even be read enough to be emptied is left behind, out of the schema, and a new one made
 * beside it. One of a damaged table stays as it is: it still finds the rows that are well. True where the file stays damaged, or keeps
 * pages that belong to nothing, until its rows are brought over into a new one.
 */
export function repairIndexes(sqlite: Sqlite): boolean {
  let damageStays = false
  const indexes = sqlite.prepare<[], { name: string; sql: string | null }>(`select name, sql from sqlite_schema where type = 'index'`).all()
  for (const { name, sql } of indexes) {
    try {
      sqlite.exec(`reindex ${name}`)
    } catch (error) {
      // A damaged name is no index's name: SQLITE_ERROR.
      if (!isDamage(error) && sqliteCode(error) !== 'SQLITE_ERROR') throw error
      damageStays = true
      // One without SQL belongs to its table and can't be made again alone.
      if (sql !== null && isDamage(error)) replaceIndex(sqlite, name, sql)
    }
  }
  return damageStays
}

function replaceIndex(sqlite: Sqlite, name: string, sql: string): void {
  try {
    sqlite.transaction(() => {
      leaveBehind(sqlite, name)
      sqlite.exec(sql)
    })()
  } catch (error) {
    if (!isDamage(error)) throw error
  }
}

/** Makes a table that only serves the search anew and empty; true where the old one had to be left behind. */
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
  sqlite.exec(sql)
  if (sql.includes('fts5')) sqlite.exec(`insert into ${table} (${table}, rank) values ('secure-delete', 1)`)
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
