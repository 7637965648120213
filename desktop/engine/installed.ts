import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'

/** In a package the command line has the page in its own folder (build/packaged-page.ts). */
const own = join(import.meta.dirname, 'page')

/** The built page: beside this file's bundle in `out`, which is where it also lies for the source. */
export const pageFolder = existsSync(own) ? own : join(import.meta.dirname, '../../out/renderer')

/** Where the bundled guide's model lies. */
export const bundledModels = ({ resources }: Config): string => join(resources, 'models/guide')

/** Fusion's version, from the package.json it came with. */
export function installedVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  return version
}
