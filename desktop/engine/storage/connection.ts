import { failure } from '@fusion/shared/contract/failures.ts'
import Database from 'better-sqlite3'
import { createChanges, type StorageChange } from './changes.ts'
import { asFailure, isDamage } from './sqlite-failure.ts'

export type Sqlite = Database.Database

/** One open database with its transactions: what every part of the storage works on. */
export interface Connection {
  sqlite: Sqlite
  now: () => number
  /** One durable transaction (an fsync); inside another one it joins that. Changes told within it go out after the commit, or never. */
  commit: <T>(work: () => T) => T
  /** The same without the fsync: survives the death of this process, and a loss of power only up to the last durable commit. */
  commitLightly: <T>(work: () => T) => T
  /** Reads; SQLite's errors become failures. */
  read: <T>(work: () => T) => T
  /** Reads; `otherwise` where the place is damaged and could not be mended: for what shall not keep the rest from being shown. */
  whereSound: <T>(otherwise: T, work: () => T) => T
  tell: (change: StorageChange) => void
  onChange: (listener: (change: StorageChange) => void) => () => void
  /** What to do when SQLite meets damage; true: it may be mended, so what was done is tried once more. */
  onDamage: (mend: () => boolean) => void
  close: () => void
}

/** Settings of every connection that writes to Fusion's database. */
export function setUp(sqlite: Sqlite): void {
  sqlite.pragma('journal_mode = wal')
  sqlite.pragma('synchronous = full')
  sqlite.pragma('foreign_keys = on')
  // Deleted text is overwritten with zeros, and what is sorted never reaches a temporary file.
  sqlite.pragma('secure_delete = on')
  sqlite.pragma('temp_store = memory')
  // 4 MB instead of 16: the engine shall stay small, and the file is in the page cache anyway.
  sqlite.pragma('cache_size = -4096')
  sqlite.pragma('journal_size_limit = 4194304')
}

export function createConnection(sqlite: Sqlite, now: () => number): Connection {
  const changes = createChanges()
  const begin = sqlite.prepare('begin immediate')
  const end = sqlite.prepare('commit')
  const undo = sqlite.prepare('rollback')
  let waiting: StorageChange[] = []
  let mend: () => boolean = () => false
  let mending = false

  /** Does it, and once more where damage was met and mended in between. */
  function twice<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (mending || sqlite.inTransaction || !isDamage(error)) throw asFailure(error)
      mending = true
      try {
        if (!mend()) throw error
        return work()
      } catch (again) {
        if (!isDamage(again)) throw asFailure(again)
        // Said once more, it is left to the next start: the page that is to be written to is itself the damaged one.
        mend()
        throw failure('database-needs-repair', undefined, { cause: again })
      } finally {
        mending = false
      }
    }
  }

  function transaction<T>(work: () => T): T {
    if (sqlite.inTransaction) return work()
    waiting = []
    let result: T
    try {
      begin.run()
      result = work()
      end.run()
    } catch (error) {
      waiting = []
      // A full disk rolls back by itself.
      if (sqlite.inTransaction) undo.run()
      throw error
    }
    const told = waiting
    waiting = []
    for (const change of told) changes.emit(change)
    return result
  }

  return {
    sqlite,
    now,
    commit: work => twice(() => transaction(work)),
    commitLightly(work) {
      if (sqlite.inTransaction) return work()
      sqlite.pragma('synchronous = normal')
      try {
        return twice(() => transaction(work))
      } finally {
        sqlite.pragma('synchronous = full')
      }
    },
    read: twice,
    whereSound(otherwise, work) {
      try {
        return twice(work)
      } catch (error) {
        if (!isDamage(error)) throw error
        return otherwise
      }
    },
    tell(change) {
      if (sqlite.inTransaction) waiting.push(change)
      else changes.emit(change)
    },
    onChange: listener => changes.on(listener),
    onDamage: how => {
      mend = how
    },
    close: () => void sqlite.close(),
  }
}
