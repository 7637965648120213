import { copyFileSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Sqlite } from './connection.ts'

/** A snapshot is for going back after a bad migration, not for keeping: two of them, two weeks. */
const KEPT = 2
const KEPT_MS = 14 * 24 * 60 * 60 * 1000

export function snapshotFolder(folder: string): string {
  return join(folder, 'snapshots')
}

/** Copies the whole database, as it is before a migration. The copy is there whole or not at all. */
export function takeSnapshot(sqlite: Sqlite, folder: string, version: number, nowMs: number): void {
  const into = snapshotFolder(folder)
  mkdirSync(into, { recursive: true, mode: 0o700 })
  sqlite.pragma('wal_checkpoint(truncate)')
  const file = join(into, `before-${String(version + 1).padStart(4, '0')}-${stamp(nowMs)}.db`)
  // Costs nothing where the file system can share blocks.
  copyFileSync(sqlite.name, `${file}.part`, constants.COPYFILE_FICLONE)
  chmodSync(`${file}.part`, 0o600)
  renameSync(`${file}.part`, file)
}

/** Deletes snapshots beyond the second and copies older than 14 days. */
export function pruneSnapshots(folder: string, nowMs: number): void {
  const into = snapshotFolder(folder)
  if (!existsSync(into)) return
  for (const name of readdirSync(into)) if (name.endsWith('.part')) rmSync(join(into, name), { force: true })
  const copies = copiesIn(folder)
  const migrations = copies.filter(file => /[/\\]before-\d/.test(file)).toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  const old = copies.filter(file => nowMs - statSync(file).mtimeMs > KEPT_MS)
  for (const file of new Set([...migrations.slice(KEPT), ...old])) removeCopy(file)
}

/** Copies of the database: migration snapshots and damaged files set aside. */
export function copiesIn(folder: string): string[] {
  const into = snapshotFolder(folder)
  if (!existsSync(into)) return []
  return readdirSync(into)
    .filter(name => name.endsWith('.db'))
    .map(name => join(into, name))
}

export function removeCopy(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(file + end, { force: true })
}

/** A time that can stand in a file's name: 2026-11-23T08-11-38-123. */
export function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-').slice(0, 23)
}
