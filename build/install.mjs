import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { findNode, isThis, packagedNodeFolder } from './node-24.mjs'
import { runNpm } from './npm.mjs'
import { Problem, Stopped } from './problem.mjs'

/** @typedef {{ version?: string, integrity?: string, link?: boolean , optional?: boolean }} Locked */

/** @param {string} root */
const stampFile = root => join(root, 'node_modules/.fusion-installed')

/**
 * What was installed: the lockfile, for this system. Written when all is done, so whoever was killed before it is repaired by the next start.
 * @param {string} root
 */
const stampOf = root => {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lockfile} ${process.platform} ${process.arch}\n`
}

/**
 * Installs what the lockfile names, unless it is installed. Throws a `Problem` when npm can't.
 * @param {string} root
 */
export async function ensureInstalled(root) {
  if (isInstalled(root)) return
  const onWait = () => say('Another start of Fusion is installing; waiting for it …')
  await withLock(join(root, '.installing'), onWait, async holdsToo => {
    if (isInstalled(root)) return
    // npm's own record tells what a developer's `npm install` has brought already.
    if (!sameAsRecorded(root)) await installAll(root, holdsToo)
    await runAllowedScripts(root)
    writeFileSync(stampFile(root), stampOf(root))
  })
}

/** @param {string} root */
function isInstalled(root) {
  try {
    return readFileSync(stampFile(root), 'utf8') === stampOf(root)
  } catch {
    return false
  }
}

/**
 * @param {string} root
 * @param {(pid: number | undefined) => void} onSpawn
 */
async function installAll(root, onSpawn) {
  say('Installing what Fusion is made of; the first time takes a minute or two …')
  rmSync(stampFile(root), { force: true })
  stepAside(root)
  // Development tools and the packages of this system are wanted, whatever NODE_ENV or a setting says.
  const wanted = ['--include=dev', '--include=optional']
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const code = await runNpm(root, ['ci', '--ignore-scripts', ...wanted, ...quiet], { onSpawn }).catch(error => {
    if (error instanceof Stopped) throw error
    throw new Problem('npm was not found. Install Node with npm from https://nodejs.org, then start again.')
  })
  if (code !== 0)
    throw new Problem(`npm could not install what Fusion needs (npm ci ended with ${code}). The lines above say why; then start again.`)
  const node = packagedNodeFolder(root)
  // An optional package that can't be fetched is skipped by npm without a word.
  if (node && !existsSync(node)) throw new Problem(`npm did not bring ${node}. Check the connection to the registry, then start again.`)
}

/**
 * The scripts of packages named in package.json's `allowScripts`, and no others, under the Node that Fusion runs on.
 * @param {string} root
 */
async function runAllowedScripts(root) {
  /** @type {{ allowScripts?: Record<string, boolean> }} */
  const { allowScripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const names = Object.keys(allowScripts).filter(name => allowScripts[name] && existsSync(join(root, 'node_modules', name)))
  if (names.length === 0) return
  const code = await runNpm(root, ['rebuild', ...names, '--ignore-scripts=false', '--loglevel=error'], { node: findNode(root) })
  if (code !== 0) throw new Problem(`The install script of ${names.join(' or ')} failed. The lines above say why; then start again.`)
}

/**
 * Whether npm's record of node_modules, which it writes when it is done, holds all that the lockfile names for this system.
 * @param {string} root
 */
function sameAsRecorded(root) {
  /** @type {(file: string) => Record<string, Locked>} */
  const packagesOf = file => JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  try {
    const recorded = packagesOf('node_modules/.package-lock.json')
    const locked = packagesOf('package-lock.json')
    if (Object.keys(recorded).some(path => !locked[path])) return false
    return Object.entries(locked).every(([path, wanted]) => {
      // Workspaces and the project itself are not installed, but linked.
      if (!path.includes('node_modules/')) return true
      const found = recorded[path]
      if (!found) return wanted.optional === true && !isPackagedNode(root, path)
      return (
        found.link === wanted.link &&
        found.version === wanted.version &&
        found.integrity === wanted.integrity &&
        existsSync(join(root, path))
      )
    })
  } catch {
    return false
  }
}

/**
 * @param {string} root
 * @param {string} path
 */
const isPackagedNode = (root, path) => join(root, path) === packagedNodeFolder(root)

/**
 * Windows deletes no program that runs, and this may be the Node that `npm ci` is about to delete: it is moved, which Windows allows.
 * @param {string} root
 */
function stepAside(root) {
  const folder = packagedNodeFolder(root)
  if (process.platform !== 'win32' || !folder) return
  const node = join(folder, 'bin/node.exe')
  const aside = join(root, '.node-before.exe')
  rmSync(aside, { force: true })
  if (existsSync(node) && isThis(node)) renameSync(node, aside)
}

/** @param {string} text */
const say = text => process.stderr.write(`${text}\n`)
