import type { Environment } from './read-settings.ts'

/** Where programs of each system keep their data. `home`: the person's own folder. */
export function platformHome({ platform, home, env }: { platform: string; home: string; env: Environment }): string {
  if (platform === 'darwin') return `${home}/Library/Application Support/Fusion`
  if (platform === 'win32') return `${env['APPDATA'] ?? `${home}/AppData/Roaming`}/Fusion`
  // The XDG base directory specification tells programs to ignore a relative path here.
  return `${env['XDG_DATA_HOME']?.startsWith('/') ? env['XDG_DATA_HOME'] : `${home}/.local/share`}/fusion`
}
