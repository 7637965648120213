import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BrowserWindow } from 'electron'
import { failure, sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { ShellConfig } from './config.ts'
import type { Electron } from './electron.ts'
import { createEngineProcess, type Trouble } from './engine-process.ts'
import { lockDown } from './lock-down.ts'
import type { ShellLog } from './log.ts'
import { menuTemplate } from './menu.ts'
import { createPagePorts } from './page-ports.ts'
import { registerPageScheme, servePage } from './page-protocol.ts'
import { focusWindow, openPageWindow } from './page-window.ts'
import type { Updates } from './updates.ts'

export interface ShellOptions {
  config: ShellConfig
  platform: NodeJS.Platform
  log: ShellLog
  /** Ends a process that does not end by itself. */
  kill: (pid: number) => void
  watchForUpdates: () => Promise<Updates | undefined>
}

/** Fusion in Electron: one window, one engine. Call before the app is ready; resolves when the window is open, or in a second instance at once. */
export async function startShell(electron: Electron, { config, platform, log, kill, watchForUpdates }: ShellOptions): Promise<void> {
  const { app } = electron
  app.setName('Fusion')
  if (!canKeepFilesIn(config.userData)) return sayUnusable(electron, dirname(config.userData))
  // First of all: the lock of the single instance lies in this folder.
  app.setPath('userData', config.userData)
  if (!app.requestSingleInstanceLock()) return app.quit()
  app.enableSandbox()
  registerPageScheme(electron)

  let window: BrowserWindow | undefined
  const engine = createEngineProcess({
    fork: () =>
      electron.utilityProcess.fork(join(config.out, 'engine/child.js'), [], {
        env: config.engineEnvironment,
        serviceName: 'Fusion Engine',
      }),
    onStart: () => ports.renew(),
    onEnd: () => ports.drop(),
    onTrouble: showTrouble,
    kill,
    log,
  })
  const ports = createPagePorts(electron, { page: () => window?.webContents, take: port => engine.take(port), log })

  async function showTrouble({ what, next }: Trouble): Promise<boolean> {
    const question = {
      type: 'error' as const,
      message: what,
      detail: next,
      buttons: ['Try Again', 'Quit'],
      defaultId: 0,
      cancelId: 1,
    }
    const { response } = await (window ? electron.dialog.showMessageBox(window, question) : electron.dialog.showMessageBox(question))
    if (response === 0) return true
    app.quit()
    return false
  }

  function open(): void {
    if (window) return focusWindow(window)
    window = openPageWindow(electron, {
      preload: join(config.out, 'preload/preload.cjs'),
      stateFolder: config.userData,
      platform,
      log,
      onTrouble: showTrouble,
    })
    window.once('closed', () => (window = undefined))
  }

  let closed = false
  let updates: Updates | undefined
  async function closeAll(): Promise<void> {
    updates?.close()
    await engine.close()
    closed = true
    app.quit()
  }
  // Not 'before-quit': the page has to be gone first, because its last words, an unsent draft, still go to the engine.
  app.on('will-quit', event => {
    if (closed) return
    event.preventDefault()
    void closeAll()
  })
  app.on('window-all-closed', () => {
    // On a Mac an app without windows goes on, and its engine with it.
    if (platform !== 'darwin') app.quit()
  })

  await app.whenReady()
  lockDown(electron, log)
  servePage(electron, join(config.out, 'renderer'))
  const setMenu = (checkForUpdates?: () => void) =>
    electron.Menu.setApplicationMenu(electron.Menu.buildFromTemplate(menuTemplate({ platform, checkForUpdates })))
  setMenu()
  engine.start()
  open()
  app.on('second-instance', open)
  app.on('activate', open)
  updates = await watchForUpdates()
  if (updates) setMenu(updates.check)
}

/** Asked before Electron is: the lock of the single instance, in a folder where it can't be laid, says that another Fusion runs. */
function canKeepFilesIn(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function sayUnusable({ app, dialog }: Electron, folder: string): Promise<void> {
  const { what, next } = sentence(Failure.toBody(failure('data-folder-unusable', { folder })))
  await app.whenReady()
  await dialog.showMessageBox({ type: 'error', message: what, detail: next, buttons: ['Quit'] })
  app.exit(1)
}
