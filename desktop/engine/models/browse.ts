import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Static } from 'typebox'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { BrowseEntry } from '@fusion/shared/contract/engine.ts'

export interface Browsed {
  path: string
  parent: string | null
  entries: Static<typeof BrowseEntry>[]
}

/** A folder with more holds no models that anybody would look for by eye. */
const MOST_ENTRIES = 2_000

/** Folders and GGUF files in a folder of this computer; null: the person's home. Hidden ones are left out. Throws `file-unreadable`. */
export async function browse(path: string | null): Promise<Browsed> {
  const folder = resolve(path ?? homedir())
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    throw failure('file-unreadable', { file: folder }, { cause: error })
  }
  const entries: Browsed['entries'] = []
  const order = new Intl.Collator(undefined, { numeric: true })
  for (const name of names.toSorted((a, b) => order.compare(a, b))) {
    if (name.startsWith('.') || entries.length >= MOST_ENTRIES) continue
    const full = join(folder, name)
    // Followed links; a broken one, or one that may not be read, is left out.
    const stats = await stat(full).catch(() => undefined)
    if (stats?.isDirectory()) entries.push({ name, path: full, kind: 'folder', bytes: null })
    else if (stats?.isFile() && /\.gguf$/i.test(name)) entries.push({ name, path: full, kind: 'model', bytes: stats.size })
  }
  const parent = dirname(folder)
  entries.sort((a, b) => Number(a.kind === 'model') - Number(b.kind === 'model'))
  return { path: folder, parent: parent === folder ? null : parent, entries }
}
