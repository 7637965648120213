import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runNode } from './run.mjs'

const REACH_MS = 5000
const FETCH_MINUTES = 10

/** @typedef {{ file: string } | { missing: string }} Electron its program, or why it can't run here, as the end of a sentence */

/**
 * Electron's program, fetched at the first start by Electron's own installer, which checks it against checksums of the npm package.
 * @param {string} root
 * @returns {Promise<Electron>}
 */
export async function findElectron(root) {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return { missing: 'there is no display' }
  if (process.getuid?.() === 0) return { missing: 'Electron does not run for root, whose programs its sandbox cannot confine' }
  const installed = installedElectron(root)
  if (installed) return { file: installed }
  if (!(await isReachable())) return { missing: "Electron's program could not be fetched" }
  process.stderr.write('Fetching Electron, about 120 MB …\n')
  await runNode(root, [join(root, 'node_modules/electron/install.js')], {
    stdio: ['ignore', 'ignore', 'ignore'],
    timeoutMs: FETCH_MINUTES * 60_000,
  })
  const fetched = installedElectron(root)
  return fetched ? { file: fetched } : { missing: "Electron's program could not be fetched" }
}

/** @param {string} root */
function installedElectron(root) {
  const folder = join(root, 'node_modules/electron')
  try {
    const file = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, 'dist'), readFileSync(join(folder, 'path.txt'), 'utf8'))
    return existsSync(file) ? file : undefined
  } catch {
    const file = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? '', 'electron')
    return process.env.ELECTRON_OVERRIDE_DIST_PATH && existsSync(file) ? file : undefined
  }
}

/** Asked first, because the download itself tries for minutes on a machine without the network. */
async function isReachable() {
  const mirror = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? 'https://github.com/electron/electron/releases/'
  try {
    await fetch(mirror, { method: 'HEAD', signal: AbortSignal.timeout(REACH_MS) })
    return true
  } catch {
    return false
  }
}
