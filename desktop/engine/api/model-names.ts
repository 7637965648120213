import { basename } from 'node:path'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'

/**
 * The names by which programs call the models: the file's, without its ending; where two are alike, the second one with a piece of its hash.
 * The whole hash names a model too.
 */
export function modelNames(entries: readonly ModelEntry[]): Map<string, ModelEntry> {
  const names = new Map<string, ModelEntry>()
  for (const entry of entries) {
    const name = basename(entry.path).replace(/\.gguf$/i, '')
    names.set(names.has(name) ? `${name}-${entry.id.slice(0, 8)}` : name, entry)
  }
  return names
}

export function findModel(entries: readonly ModelEntry[], wanted: string): { name: string; entry: ModelEntry } | undefined {
  const names = modelNames(entries)
  for (const [name, entry] of names) if (name === wanted || entry.id === wanted) return { name, entry }
  return undefined
}
