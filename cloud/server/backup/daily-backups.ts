import { BackupRunning } from '../../database/backup.ts'
import type { Clock } from '../clock.ts'
import type { Backups } from './backups.ts'

const LOOK_MS = 10 * 60_000
const DAY_MS = 24 * 3_600_000

/** Makes a backup whenever the newest is a day old, and keeps so many; of several servers one does. */
export function keepDailyBackups({
  backups,
  keep,
  clock,
  onTrouble,
}: {
  backups: Pick<Backups, 'list' | 'make' | 'prune'>
  keep: number
  clock: Clock
  onTrouble: () => void
}) {
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, LOOK_MS)
  timer.unref()

  async function look(): Promise<void> {
    try {
      const [newest] = await backups.list()
      if (newest && clock() - newest.madeAt < DAY_MS) return
      await backups.make()
      await backups.prune(keep)
    } catch (error) {
      if (!(error instanceof BackupRunning)) onTrouble()
    }
  }

  return {
    look,
    async close(): Promise<void> {
      clearInterval(timer)
      await looking
    },
  }
}
