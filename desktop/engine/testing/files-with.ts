import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files below the folder whose bytes hold one of the words, in UTF-8 or UTF-16. */
export function filesWith(folder: string, words: readonly string[]): string[] {
  const needles = words.flatMap(word => [Buffer.from(word), Buffer.from(word.toLowerCase()), Buffer.from(word, 'utf16le')])
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => {
      const bytes = readFileSync(file)
      return needles.some(needle => bytes.includes(needle))
    })
}
