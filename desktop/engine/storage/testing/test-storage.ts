import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStorage, type Storage, type StorageOptions } from '../storage.ts'

/** A real storage in a temporary folder, closed and deleted when the test ends. `reopen` closes it before. */
export function openTestStorage(options: Partial<StorageOptions> = {}): {
  folder: string
  storage: Storage
  reopen: (again?: Partial<StorageOptions>) => Storage
} {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'fusion-storage-'))
  let storage = openStorage({ folder, ...options })
  onTestFinished(() => {
    storage.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    folder,
    storage,
    reopen(again = {}) {
      storage.close()
      storage = openStorage({ folder, ...options, ...again })
      return storage
    },
  }
}
