import { cpSync } from 'node:fs'
import { join } from 'node:path'

/**
 * In a package the app's page lies in the archive, where it is checked and which plain Node cannot read: `fusion serve` has one of its own,
 * beside its bundle.
 */
export function bringPage(root: string): void {
  const page = join(root, 'out/command-line/page')
  cpSync(join(root, 'out/renderer'), page, { recursive: true, filter: source => !source.endsWith('.map') && !source.endsWith('.built') })
}
