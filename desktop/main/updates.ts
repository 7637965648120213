import type { AppUpdater, UpdateInfo } from 'electron-updater'
import type { Electron } from './electron.ts'
import type { ShellLog } from './log.ts'

export type Updater = Pick<AppUpdater, 'autoDownload' | 'checkForUpdates' | 'downloadUpdate' | 'quitAndInstall' | 'on'>

export interface UpdatesOptions {
  isPackaged: boolean
  /** Whether this build says where its updates lie (`app-update.yml` beside it). */
  isConfigured: () => boolean
  /** Loaded only when it is used. */
  load: () => Promise<Updater>
  log: ShellLog
}

export interface Updates {
  /** Also says so when there is nothing new. */
  check: () => void
  close: () => void
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Asks once a day whether there is a newer Fusion; downloads and installs it only when the person says so. In a build that is not
 * packaged or names no place for updates it does nothing and gives undefined. One of the two connections of Fusion that do not go
 * through the engine's door; each one is logged.
 */
export async function watchForUpdates({ dialog }: Pick<Electron, 'dialog'>, options: UpdatesOptions): Promise<Updates | undefined> {
  const { isPackaged, isConfigured, load, log } = options
  if (!isPackaged || !isConfigured()) return undefined
  const updater = await load()
  updater.autoDownload = false
  let asked = false

  updater.on('update-available', info => void offer(info))
  updater.on('update-downloaded', info => void install(info))
  updater.on('update-not-available', () => {
    if (asked) void dialog.showMessageBox({ type: 'info', message: 'This is the newest Fusion.', buttons: ['OK'] })
    asked = false
  })
  // A computer without a network is no error; only who asked is told.
  updater.on('error', error => {
    log.warn({ error: error.name }, 'update failed')
    if (asked) {
      void dialog.showMessageBox({
        type: 'warning',
        message: 'Fusion could not look for updates.',
        detail: 'Check your network, then try again.',
        buttons: ['OK'],
      })
    }
    asked = false
  })

  async function offer({ version }: UpdateInfo): Promise<void> {
    asked = false
    const { response } = await dialog.showMessageBox({
      type: 'info',
      message: `Fusion ${version} is available.`,
      detail: 'It is downloaded only if you say so. Your chats stay as they are.',
      buttons: ['Download', 'Later'],
      defaultId: 0,
      cancelId: 1,
    })
    if (response !== 0) return
    log.info({ purpose: 'update-download', version }, 'connection opened')
    // Failures arrive as the `error` event.
    await updater.downloadUpdate().catch(() => {})
  }

  async function install({ version }: UpdateInfo): Promise<void> {
    const { response } = await dialog.showMessageBox({
      type: 'info',
      message: `Fusion ${version} is ready.`,
      detail: 'It is installed when Fusion starts again.',
      buttons: ['Restart Now', 'Later'],
      defaultId: 0,
      cancelId: 1,
    })
    if (response === 0) updater.quitAndInstall()
  }

  function look(): void {
    log.info({ purpose: 'update-check' }, 'connection opened')
    updater.checkForUpdates().catch(() => {})
  }

  look()
  const timer = setInterval(look, DAY_MS)
  return {
    check() {
      asked = true
      look()
    },
    close: () => clearInterval(timer),
  }
}
