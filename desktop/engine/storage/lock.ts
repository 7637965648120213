import Database from 'better-sqlite3'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { sqliteCode } from './sqlite-failure.ts'

/**
 * Takes the data folder for this process, or throws `data-folder-in-use`. The lock is SQLite's own on an empty file, so the operating
 * system gives it back when the holder dies, however it dies, on each of the three systems.
 */
export function lockFolder(folder: string): { release(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let lock: Database.Database | undefined
  try {
    lock = new Database(join(folder, 'fusion.lock'), { timeout: 0 })
    lock.exec('begin exclusive')
  } catch (error) {
    lock?.close()
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY')) throw failure('data-folder-in-use', {}, { cause: error })
    throw error
  }
  const held = lock
  return { release: () => void held.close() }
}

/** Whether a living process holds the data folder. One whose lock can't be read is found out about by whoever opens it. */
export function isFolderHeld(folder: string): boolean {
  const file = join(folder, 'fusion.lock')
  if (!existsSync(file)) return false
  let lock: Database.Database | undefined
  try {
    lock = new Database(file, { readonly: true, timeout: 0 })
    lock.pragma('user_version')
    return false
  } catch (error) {
    return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
  } finally {
    lock?.close()
  }
}
