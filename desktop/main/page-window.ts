import { join } from 'node:path'
import type { BrowserWindow } from 'electron'
import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import { offerContextMenu } from './context-menu.ts'
import type { Electron } from './electron.ts'
import type { Trouble } from './engine-process.ts'
import type { ShellLog } from './log.ts'
import { createRestarts } from './restarts.ts'
import { keepWindowState, placeWindow, readWindowState, SMALLEST } from './window-state.ts'

export interface PageWindowOptions {
  preload: string
  /** Where the window's place is kept. */
  stateFolder: string
  platform: NodeJS.Platform
  log: ShellLog
  /** The page can't go on by itself. Resolves with whether to try again. */
  onTrouble: (trouble: Trouble) => Promise<boolean>
}

const keepsCrashing: Trouble = {
  what: 'The page of Fusion keeps stopping.',
  next: 'Your chats are safe on this computer. Try again; if it goes on like this, restart the computer or install Fusion anew.',
}

/** Opens the app's window: a page without any power but the port it is handed. */
export function openPageWindow(
  electron: Pick<Electron, 'BrowserWindow' | 'Menu' | 'nativeTheme' | 'screen'>,
  { preload, stateFolder, platform, log, onTrouble }: PageWindowOptions,
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
    if (reason === 'clean-exit') return
    const waitMs = reloads.next()
    if (waitMs === undefined) void ask()
    else setTimeout(reload, waitMs)
  })
  const reload = () => {
    if (!window.isDestroyed()) window.webContents.reload()
  }
  async function ask(): Promise<void> {
    if (!(await onTrouble(keepsCrashing))) return
    reloads.forget()
    reload()
  }

  window.loadURL(`${PAGE_ORIGIN}/`).catch(() => log.warn({}, 'page did not load'))
  return window
}

/** Brings a window to the front, from wherever it is. */
export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
