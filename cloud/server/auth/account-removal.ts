// What is left of accounts that were deleted goes here: files first, then rows in slices, then the person.
import { forgetAccount, listRemoved, removeSlice } from '../../database/account-removal.ts'
import type { Database } from '../../database/connection.ts'
import type { Clock } from '../clock.ts'
import type { Objects } from '../objects/objects.ts'

const LOOK_MS = 20_000
/** Sessions and keys are taken for living ones so long elsewhere, at most: what would be written in that time would stay. */
const WAIT_MS = 60_000
/** Rows that one statement takes out: some 20 ms. */
const SLICE = 1_000

export type AccountRemoval = ReturnType<typeof createAccountRemoval>

export interface AccountRemovalOptions {
  database: Database
  objects: Objects
  clock: Clock
  onTrouble: () => void
}

/** Looks for them from now on. Several servers may: what one has taken out, the other does not find. */
export function createAccountRemoval({ database, objects, clock, onTrouble }: AccountRemovalOptions) {
  const stop = new AbortController()
  let sweeping: Promise<void> | undefined
  const timer = setInterval(() => void sweep(), LOOK_MS)
  timer.unref()

  async function remove(userId: string): Promise<void> {
    for (;;) {
      const files = await objects.list(`attachments/${userId}/`)
      for (const { key } of files) await objects.delete(key)
      if (files.length === 0) break
    }
    while (!stop.signal.aborted && (await database.asUser(userId, tx => removeSlice(tx, SLICE))));
    if (!stop.signal.aborted) await forgetAccount(database, userId)
  }

  /** Removes what is to go by now. One that can't be removed keeps no other from it, and is tried again. */
  function sweep(): Promise<void> {
    sweeping ??= (async () => {
      const removed = await listRemoved(database, new Date(clock() - WAIT_MS))
      for (const userId of removed) if (!stop.signal.aborted) await remove(userId).catch(onTrouble)
    })()
      .catch(onTrouble)
      .finally(() => (sweeping = undefined))
    return sweeping
  }

  return {
    sweep,
    async close(): Promise<void> {
      clearInterval(timer)
      stop.abort()
      await sweeping
    },
  }
}
