import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What is built of each part into out/NAME, and the sources it is built of. Only some parts are needed by a shell.
 * @typedef {'engine' | 'inference' | 'renderer' | 'main' | 'preload' | 'command-line' | 'dashboard'} Part
 */

/** @type {Part[]} */
export const browserParts = ['engine', 'inference', 'renderer']
/** @type {Part[]} */
export const electronParts = [...browserParts, 'main', 'preload']
/** @type {Part[]} */
export const commandLineParts = ['command-line', 'inference']
/** @type {Part[]} */
export const cloudParts = ['engine', 'inference', 'dashboard']
/** @type {Part[]} */
export const packageParts = [...electronParts, 'command-line']

/**
 * The command line holds an engine of its own.
 * @param {Part} part
 */
const sourcesOf = part => [
  'shared',
  part === 'dashboard' ? 'cloud/dashboard' : `desktop/${part}`,
  ...(part === 'command-line' ? ['desktop/engine'] : []),
  'build/bundles.ts',
  'build/compile.ts',
  'package-lock.json',
]

/**
 * The parts whose sources are no longer those they were built of. Takes some milliseconds: it looks at names, sizes and times only.
 * @template {Part} P
 * @param {string} root
 * @param {P[]} parts
 */
export const staleParts = (root, parts) => parts.filter(part => !isBuilt(root, part, signatureOf(root, part)))

/**
 * @param {string} root
 * @param {Part} part
 */
export const stampFile = (root, part) => join(root, 'out', part, '.built')

/**
 * @param {string} root
 * @param {Part} part
 */
export function signatureOf(root, part) {
  const hash = createHash('sha256')
  for (const source of sourcesOf(part)) add(hash, root, source)
  return hash.digest('hex')
}

/**
 * @param {string} root
 * @param {Part} part
 * @param {string} signature
 */
function isBuilt(root, part, signature) {
  try {
    return readFileSync(stampFile(root, part), 'utf8') === signature
  } catch {
    return false
  }
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function add(hash, root, path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  if (!found) return
  if (!found.isDirectory()) return hash.update(`${path} ${found.size} ${found.mtimeMs}\n`)
  for (const name of readdirSync(join(root, path)).toSorted()) if (!isNoSource(name)) add(hash, root, `${path}/${name}`)
}

/** @param {string} name */
const isNoSource = name => name === 'testing' || name === 'node_modules' || /\.test\.tsx?$|\.md$/.test(name)
