import Database from 'better-sqlite3'
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setUp, type Sqlite } from './connection.ts'
import { migrate } from './migrate.ts'
import { takeSnapshot } from './snapshots.ts'
import { Damage } from './sqlite-failure.ts'

/** Opens the database, or makes it, and brings it to the newest version. Throws SQLite's own errors, `Damage` or `database-newer`. */
export function openDatabase(file: string, folder: string, now: () => number): Sqlite {
  // A crash between the two renamings of a salvage.
  if (!existsSync(file) && existsSync(`${file}.new`)) renameSync(`${file}.new`, file)
  const sqlite = new Database(file)
  try {
    // What is not to be read by others on this machine.
    chmodSync(file, 0o600)
    setUp(sqlite)
    migrate(sqlite, version => takeSnapshot(sqlite, folder, version, now()))
    checkLists(sqlite)
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/** The tables that every start reads whole are looked through: a few ms. All others are checked later, in the background. */
function checkLists(sqlite: Sqlite): void {
  for (const table of ['folder', 'conv', 'setting']) {
    if (isSound(sqlite, table)) continue
    sqlite.exec(`reindex ${table}`)
    if (!isSound(sqlite, table)) throw new Damage(`The table ${table} is damaged`)
  }
}

function isSound(sqlite: Sqlite, table: string): boolean {
  return sqlite.pragma(`quick_check(${table})`, { simple: true }) === 'ok'
}

/** An empty file beside the database: a check found damage that only a salvage at the next start can mend. */
export const damageMark = {
  isSet: (file: string) => existsSync(`${file}.damaged`),
  set: (file: string) => writeFileSync(`${file}.damaged`, ''),
  clear: (file: string) => rmSync(`${file}.damaged`, { force: true }),
}
