import { failure } from '@fusion/shared/contract/failures.ts'
import type { Sqlite } from './connection.ts'
import * as first from './migrations/0001-first.ts'
import * as apiKeys from './migrations/0002-api-keys.ts'
import * as cloudAnswers from './migrations/0003-cloud-answers.ts'

/** Numbered from 1, forward only; the number of the last one is the database's `user_version`. */
export const migrations: readonly { sql: string }[] = [first, apiKeys, cloudAnswers]

/** "Fusi" in ASCII, in the header of each of Fusion's databases. */
export const APPLICATION_ID = 0x46757369

export function versionOf(sqlite: Sqlite): number {
  return sqlite.pragma('user_version', { simple: true }) as number
}

/** Brings the database to the newest version, each migration in a transaction of its own. `before` runs once, if there is anything to do. */
export function migrate(sqlite: Sqlite, before: (version: number) => void): void {
  const version = versionOf(sqlite)
  if (version > migrations.length) throw failure('database-newer')
  if (version === migrations.length) return
  if (version > 0) before(version)
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    sqlite.transaction(() => {
      sqlite.exec(migration.sql)
      sqlite.pragma(`application_id = ${APPLICATION_ID}`)
      sqlite.pragma(`user_version = ${index + 1}`)
    })()
  }
}
