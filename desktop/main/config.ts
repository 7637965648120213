// The settings of the Electron shell. The only file of main that reads process.env.
import { join, resolve } from 'node:path'

type Environment = Record<string, string | undefined>

export interface ShellConfig {
  /** Chromium's own files and the window's place. Never the data folder itself: nothing of a chat lies here. */
  userData: string
  /** The folder with the built parts: `main`, `preload`, `renderer`, `engine`. */
  out: string
  /** What the engine's process is started with. */
  engineEnvironment: Environment
}

export interface Surroundings {
  env?: Environment
  /** `app.getPath('appData')`. */
  appData: string
  isPackaged: boolean
  /** `process.resourcesPath`. */
  resourcesPath: string
  /** The folder of main's bundle. */
  here: string
}

/** With `FUSION_HOME` set, the shell's own files lie in there too, so that two homes are two apps that run side by side. */
export function readShellConfig({ env = process.env, appData, isPackaged, resourcesPath, here }: Surroundings): ShellConfig {
  const home = env['FUSION_HOME']?.trim()
  return {
    userData: join(home ? resolve(home) : join(appData, 'Fusion'), 'shell'),
    out: resolve(here, '..'),
    // Packaged, models lie beside app.asar, since the inference process reads them with plain file calls.
    engineEnvironment: { ...env, ...(isPackaged && !env['FUSION_RESOURCES'] && { FUSION_RESOURCES: resourcesPath }) },
  }
}
