import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

/** All files of a model that is split (`name-00001-of-00003.gguf`), or the one that is not. */
export function filesOf(path: string): string[] {
  const match = splitName.exec(basename(path))
  const count = Number(match?.[3] ?? 1)
  if (!match || count < 1 || count > 999) return [path]
  return Array.from({ length: count }, (_, index) =>
    join(dirname(path), `${match[1]}-${String(index + 1).padStart(5, '0')}-of-${match[3]}.gguf`),
  )
}

export interface Measured {
  bytes: number
  mtimeMs: number
}

/** Size and time of change of a model's files together; undefined when one is missing. */
export function measure(path: string): Measured | undefined {
  let bytes = 0
  let mtimeMs = 0
  for (const file of filesOf(path)) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats?.isFile()) return undefined
    bytes += stats.size
    mtimeMs = Math.max(mtimeMs, stats.mtimeMs)
  }
  return { bytes, mtimeMs }
}

export const isSame = (one: Measured | undefined, other: Measured | undefined) =>
  one?.bytes === other?.bytes && one?.mtimeMs === other?.mtimeMs

/** People sort models into folders by maker and name, and no deeper. */
const DEPTH = 3

/** Every model under a folder by its (first) file, in the order of names. Hidden files are left out: copies under way are hidden. */
export function findModels(folder: string, depth = DEPTH): string[] {
  return walk(folder, depth)
    .filter(({ isFolder, path }) => !isFolder && /\.gguf$/i.test(path) && Number(splitName.exec(basename(path))?.[2] ?? 1) === 1)
    .map(({ path }) => path)
}

/** The folder and those in it that models are looked for in. */
export function findFolders(folder: string): string[] {
  const below = walk(folder, DEPTH - 1).flatMap(({ path, isFolder }) => (isFolder ? [path] : []))
  return existsSync(folder) ? [folder, ...below] : []
}

function walk(folder: string, depth: number): { path: string; isFolder: boolean }[] {
  if (depth < 1) return []
  let names: string[]
  try {
    names = readdirSync(folder).toSorted()
  } catch {
    // Not there, or not to be read: a folder that is locked hides no others.
    return []
  }
  return names.flatMap(name => {
    if (name.startsWith('.')) return []
    const path = join(folder, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory()) return [{ path, isFolder: true }, ...walk(path, depth - 1)]
    return stats?.isFile() ? [{ path, isFolder: false }] : []
  })
}
