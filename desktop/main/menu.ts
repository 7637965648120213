import type { MenuItemConstructorOptions } from 'electron'

export interface MenuOptions {
  platform: NodeJS.Platform
  /** Absent where updates do not come from Fusion itself. */
  checkForUpdates?: (() => void) | undefined
}

/** The standard menus of each system, by Electron's roles: they bring their words and their keys in every language. */
export function menuTemplate({ platform, checkForUpdates }: MenuOptions): MenuItemConstructorOptions[] {
  const updates: MenuItemConstructorOptions[] = checkForUpdates ? [{ label: 'Check for Updates…', click: () => checkForUpdates() }] : []
  const appMenu: MenuItemConstructorOptions[] = platform === 'darwin' ? [{ role: 'appMenu' }] : []
  const about: MenuItemConstructorOptions[] = platform === 'darwin' ? [] : [{ role: 'about' }]
  return [
    ...appMenu,
    { role: 'fileMenu' },
    { role: 'editMenu' },
    { role: 'viewMenu' },
    { role: 'windowMenu' },
    ...(updates.length + about.length > 0 ? [{ role: 'help' as const, submenu: [...updates, ...about] }] : []),
  ]
}
