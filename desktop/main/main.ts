// Fusion as an Electron app. The only file of main that loads electron itself; all that it does stands in shell.ts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as electron from 'electron'
import { readShellConfig } from './config.ts'
import { createShellLog } from './log.ts'
import { startShell } from './shell.ts'
import { watchForUpdates } from './updates.ts'

const { app } = electron
const { resourcesPath } = process
// A terminal that was closed: what is said there is lost, and Fusion goes on.
process.stderr.on('error', () => {})
const log = createShellLog(line => process.stderr.write(line))

// Not awaited here: Electron becomes ready only after this file has run to its end.
startShell(electron, {
  config: readShellConfig({ appData: app.getPath('appData'), isPackaged: app.isPackaged, resourcesPath, here: import.meta.dirname }),
  platform: process.platform,
  log,
  kill: pid => process.kill(pid, 'SIGKILL'),
  watchForUpdates: () =>
    watchForUpdates(electron, {
      isPackaged: app.isPackaged,
      isConfigured: () => existsSync(join(resourcesPath, 'app-update.yml')),
      load: async () => (await import('electron-updater')).default.autoUpdater,
      log,
    }),
}).catch((error: unknown) => {
  log.warn({ error: error instanceof Error ? (error.stack ?? error.name) : 'unknown' }, 'shell failed')
  app.exit(1)
})
