import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { isSame, type Measured } from './model-files.ts'

/** Files in the data folder that the person removed from the models and kept: they are not found again. */
export interface SetAside {
  has(path: string, measured: Measured | undefined): boolean
  add(path: string, measured: Measured): void
  remove(path: string): void
}

const List = Type.Array(Type.Object({ path: Type.String(), bytes: Type.Integer(), mtimeMs: Type.Number() }))

/** Remembers them in `file`, as they were: another file by the same name is found. */
export function createSetAside(file: string): SetAside {
  let list = read()

  function read() {
    try {
      const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
      return Value.Check(List, value) ? value : []
    } catch {
      return []
    }
  }

  function save(next: typeof list): void {
    list = next
    try {
      if (list.length === 0) rmSync(file, { force: true })
      else writeFileSync(file, JSON.stringify(list))
    } catch {
      // A full or read-only disk: at the next start the model is there again, and can be removed again.
    }
  }

  const without = (path: string) => list.filter(entry => entry.path !== path)
  return {
    has: (path, measured) => list.some(entry => entry.path === path && isSame(entry, measured)),
    add: (path, { bytes, mtimeMs }) => save([...without(path), { path, bytes, mtimeMs }]),
    remove(path) {
      if (list.some(entry => entry.path === path)) save(without(path))
    },
  }
}
