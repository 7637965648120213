import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineContract } from '@fusion/shared/contract/engine.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import type { Chats } from './export.ts'
import { inWords, OWN_FILE } from './place.ts'

/** One file for each chat: the branch that is shown. */
export async function exportMarkdownFiles(
  fusion: Client<EngineContract>,
  chats: Chats,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const freeName = createNames()
  await chats(async ({ id }) => {
    const { fileName, markdown } = await fusion.chats.exportMarkdown({ conversationId: id }, { signal })
    const path = join(folder, freeName(fileName))
    await inWords(path, () => writeFile(path, markdown, { mode: OWN_FILE, flag: 'wx' }))
  })
}

/** Names that no file system takes for the same: "Trip.md", then "trip-2.md". */
export function createNames(): (name: string) => string {
  const taken = new Set<string>()
  /** Where the search goes on for a name that was there before. */
  const next = new Map<string, number>()
  const keyOf = (name: string) => name.normalize('NFKC').toLowerCase()
  return name => {
    const stem = name.replace(/\.md$/, '')
    for (let number = next.get(keyOf(stem)) ?? 1; ; number++) {
      const free = number === 1 ? stem : `${stem}-${number}`
      if (taken.has(keyOf(free))) continue
      taken.add(keyOf(free))
      next.set(keyOf(stem), number + 1)
      return `${free}.md`
    }
  }
}
