// `npm run cloud`: starts the cloud, says where it is, and ends it cleanly when it is asked to. With words after it, it does what they say.
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { BackupRunning, BackupUnusable, DatabaseNotEmpty } from '../database/backup.ts'
import { DatabaseNewer } from '../database/migrate.ts'
import { runCommand } from './commands.ts'
import { readConfig, printable } from './config.ts'
import { startCloud } from './start.ts'
import { WeightsRefused } from './weights/weights.ts'

async function start(): Promise<void> {
  const config = readConfig()
  if (!process.stderr.isTTY) process.stderr.write(`${JSON.stringify({ event: 'settings', ...printable(config) })}\n`)
  const cloud = await startCloud(config)
  let hurry: AbortController | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Who asks a second time does not want to wait for anybody.
      if (hurry) return hurry.abort()
      hurry = new AbortController()
      void cloud
        .drain(hurry.signal)
        .then(cloud.close)
        .then(
          () => process.exit(0),
          () => process.exit(1),
        )
    })
  }
  for (const line of cloud.embedded) process.stdout.write(`${line}\n`)
  if (cloud.firstAdminLink) process.stdout.write(`Make the first account, within a day: ${cloud.firstAdminLink}\n`)
  process.stdout.write(`Fusion Cloud is ready at ${cloud.url}\n`)
}

/** Why it could not start, in words; the frames of what is nobody's `Failure`. */
function reasonOf(error: unknown): string {
  if (error instanceof WrongSetting || error instanceof DatabaseNewer || error instanceof WeightsRefused) return error.message
  if (error instanceof Failure) {
    const { what, next } = sentence(Failure.toBody(error))
    return `${what} ${next}`
  }
  if (error instanceof BackupRunning) return 'Another backup is being made. Wait for its end, then try again.'
  if (error instanceof BackupUnusable)
    return `This backup can not be read: ${error.message}. Nothing was changed. "npm run cloud -- backups" lists those that there are.`
  if (error instanceof DatabaseNotEmpty)
    return 'There are people in this database, and a backup is read into an empty one alone. Name another FUSION_HOME or DATABASE_URL; nothing was changed.'
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'The port is in use: close what uses it, or set FUSION_CLOUD_PORT to another (0 picks one).'
  if (code === 'ECONNREFUSED') return 'The database of DATABASE_URL does not answer. Start it, or correct the address.'
  return `Fusion Cloud could not ${words.length > 0 ? 'do this' : 'start'}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

const words = process.argv.slice(2)
try {
  if (words.length === 0) await start()
  else process.exitCode = await runCommand(words, readConfig())
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exit(1)
}
