import Database from 'better-sqlite3'
import { failure } from '@fusion/shared/contract/failures.ts'

/** SQLite's error code, `SQLITE_FULL` and the like; undefined for any other error. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined
}

/** What SQLite throws, as a failure somebody can handle; anything else as it is. */
export function asFailure(error: unknown, folder?: string): unknown {
  if (isFileError(error)) {
    if (error.code === 'ENOSPC') return failure('disk-full', {}, { cause: error, retryable: true })
    if (['EROFS', 'EACCES', 'EPERM'].includes(error.code))
      return failure('data-folder-read-only', folder === undefined ? {} : { folder }, { cause: error })
  }
  const code = sqliteCode(error)
  if (code === undefined) return error
  // A tmpfs or a quota refuses the growth of the WAL's index with an I/O error instead of SQLITE_FULL.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE' || code === 'SQLITE_IOERR_WRITE') {
    return failure('disk-full', {}, { cause: error, retryable: true })
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN' || code === 'SQLITE_PERM') {
    return failure('data-folder-read-only', folder === undefined ? {} : { folder }, { cause: error })
  }
  return error
}

/** Thrown where a check, not SQLite itself, found damage. */
export class Damage extends Error {}

/** The file ends before a page that it should have. */
const SHORT = 'SQLITE_IOERR_SHORT_READ'

/** True where SQLite found its file damaged. */
export function isDamage(error: unknown): boolean {
  if (error instanceof Damage) return true
  const code = sqliteCode(error) ?? sqliteCode(error instanceof Error ? error.cause : undefined)
  return code !== undefined && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === SHORT)
}

function isFileError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
}
