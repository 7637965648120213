import Database from 'better-sqlite3'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { setUp, type Sqlite } from './connection.ts'
import { migrate, migrations, versionOf } from './migrate.ts'
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

/** Opens the database where its folder can't be written to. One of another version is refused: it can't be migrated. */
export function openDatabaseToRead(file: string): Sqlite {
  if (!existsSync(file)) throw failure('data-folder-read-only', { folder: dirname(file) })
  const sqlite = openReadOnly(file)
  sqlite.pragma('temp_store = memory')
  const version = versionOf(sqlite)
  if (version === migrations.length) return sqlite
  sqlite.close()
  throw version > migrations.length ? failure('database-newer') : failure('data-folder-read-only', { folder: dirname(file) })
}

function openReadOnly(file: string): Sqlite {
  let sqlite: Sqlite | undefined
  try {
    sqlite = new Database(file, { readonly: true })
    sqlite.pragma('user_version')
    return sqlite
  } catch {
    sqlite?.close()
    // In a folder that can't be written to, SQLite opens no database that has a WAL, not even one that is empty. So the file is read
    // into memory, with a header (bytes 18 and 19) that says it has none.
    const bytes = readFileSync(file)
    bytes.fill(1, 18, 20)
    return new Database(bytes, { readonly: true })
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
