import { type FSWatcher, watch } from 'node:fs'
import type { Log } from '../log.ts'

export interface FolderWatch {
  /** From now on these folders are watched, each by itself, and no others. */
  follow(folders: readonly string[]): void
  close(): void
}

/** Tells that something changed in folders. Where the system cannot watch (network drives, too many watches), nothing is told. */
export function createFolderWatch({ onChange, log }: { onChange: () => void; log: Log }): FolderWatch {
  const watchers = new Map<string, FSWatcher>()

  function drop(folder: string): void {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }

  function add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, onChange)
      watchers.set(folder, watcher)
      watcher.on('error', () => drop(folder))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      log.debug({ reason: code }, 'models folder cannot be watched')
    }
  }

  return {
    follow(folders) {
      for (const folder of watchers.keys()) if (!folders.includes(folder)) drop(folder)
      for (const folder of folders) if (!watchers.has(folder)) add(folder)
    },
    close() {
      for (const folder of watchers.keys()) drop(folder)
    },
  }
}
