import { join } from 'node:path'
import type { BrowserWindow } from 'electron'
import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import { offerContextMenu } from './context-menu.ts'
import type { Electron } from './electron.ts'
import type { ShellLog } from './log.ts'
import { createRestarts } from './restarts.ts'
import { keepWindowState, placeWindow, readWindowState, SMALLEST } from './window-state.ts'

export interface PageWindowOptions {
  preload: string
  /** Where the window's place is kept. */
  stateFolder: string
  platform: NodeJS.Platform
  log: ShellLog
}

/** Opens the app's window: a page without any power but the port it is handed. */
export function openPageWindow(
  electron: Pick<Electron, 'BrowserWindow' | 'Menu' | 'nativeTheme' | 'screen'>,
  { preload, stateFolder, platform, log }: PageWindowOptions,
): BrowserWindow {
  const stateFile = join(stateFolder, 'window.json')
  const state = readWindowState(stateFile)
  const place = placeWindow(
    state,
    electron.screen.getAllDisplays().map(display => display.workArea),
  )
  const window = new electron.BrowserWindow({
    ...place,
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: 'Fusion',
    show: false,
    autoHideMenuBar: true,
    // Until the page has painted: no white flash in the dark.
    backgroundColor: electron.nativeTheme.shouldUseDarkColors ? '#16161a' : '#ffffff',
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      // Elsewhere Chromium would load its dictionaries from the network; macOS brings its own.
      spellcheck: platform === 'darwin',
    },
  })
  if (state?.maximised) window.maximize()
  window.once('ready-to-show', () => window.show())
  keepWindowState(window, stateFile)
  offerContextMenu(electron, window.webContents)

  const reloads = createRestarts()
  window.webContents.on('render-process-gone', (_, { reason, exitCode }) => {
    log.warn({ reason, exitCode }, 'page ended')
    const waitMs = reason === 'clean-exit' ? undefined : reloads.next()
    if (waitMs === undefined) return
    setTimeout(() => {
      if (!window.isDestroyed()) window.webContents.reload()
    }, waitMs)
  })

  void window.loadURL(`${PAGE_ORIGIN}/`)
  return window
}

/** Brings a window to the front, from wherever it is. */
export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
