import type { Database } from '../../database/connection.ts'
import { ensureUsagePartitions, rollUpUsage } from '../../database/usage.ts'
import type { Clock } from '../clock.ts'

const TEND_MS = 5 * 60_000

/** Makes the months to come and adds up the hours that have passed, now and every few minutes; of several servers one does at a time. */
export function tendUsage({ database, clock, onTrouble }: { database: Database; clock: Clock; onTrouble: () => void }) {
  let tending = tend()
  const timer = setInterval(() => {
    tending = tending.then(tend)
  }, TEND_MS)
  timer.unref()

  async function tend(): Promise<void> {
    try {
      await ensureUsagePartitions(database, new Date(clock()))
      await rollUpUsage(database)
    } catch {
      onTrouble()
    }
  }

  return {
    async close(): Promise<void> {
      clearInterval(timer)
      await tending
    },
  }
}
