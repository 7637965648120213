// `npm run cloud`: starts the cloud, says where it is, and ends it cleanly when it is asked to.
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { printable, readConfig } from './config.ts'
import { startCloud } from './start.ts'

try {
  const config = readConfig()
  process.stdout.write(`${JSON.stringify({ event: 'settings', ...printable(config) })}\n`)
  const cloud = await startCloud(config)
  process.stdout.write(`Fusion Cloud is ready at ${cloud.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void cloud.close().then(() => process.exit(0))
    })
} catch (error) {
  if (!(error instanceof WrongSetting)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
