import { mkdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { createFolderWatch } from './folder-watch.ts'
import { findFolders } from './model-files.ts'
import { SETTLE_MS } from './settling.ts'

/** Looks for model files, and goes on looking. */
export interface Lookout {
  /** Resolves when the files that lie there have been read; from then on the folder is watched. */
  begin(): Promise<void>
  /** Looks again in a moment, once it has begun. */
  soon(): void
  close(): void
}

/** Copying a file makes many events; one look after them is enough. */
const GATHER_MS = 300

/** Calls `look` at each change under `folder`, one after the other, and again as long as it resolves with true: files are still being written. */
export function createLookout({ folder, look, log }: { folder: string; look: () => Promise<boolean>; log: Log }): Lookout {
  const closing = new AbortController()
  const watch = createFolderWatch({ onChange: () => later(GATHER_MS), log })
  let timer: NodeJS.Timeout | undefined
  let begun = false
  let last = Promise.resolve(false)

  function inTurn(): Promise<boolean> {
    last = last.then(async () => {
      if (closing.signal.aborted) return false
      // Before the look: what comes during it is looked at after it.
      watch.follow(findFolders(folder))
      return await look()
    })
    return last
  }

  function later(ms: number): void {
    if (timer || closing.signal.aborted) return
    timer = setTimeout(() => {
      timer = undefined
      void inTurn().then(again)
    }, ms)
    timer.unref()
  }

  const again = (growing: boolean) => {
    if (growing) later(SETTLE_MS)
  }

  return {
    async begin() {
      begun = true
      try {
        mkdirSync(folder, { recursive: true })
      } catch {
        // Where it cannot be made, nothing can be put into it either.
      }
      if (!(await inTurn())) return
      // Put there just before the start, or still coming: once more, so that the first answer has the person's own model.
      await pause(SETTLE_MS, undefined, { signal: closing.signal, ref: false }).catch(() => {})
      again(await inTurn())
    },
    soon() {
      if (begun) later(GATHER_MS)
    },
    close() {
      closing.abort()
      clearTimeout(timer)
      watch.close()
    },
  }
}
