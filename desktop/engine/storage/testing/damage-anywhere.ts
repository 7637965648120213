import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage, type Storage } from '../storage.ts'
import { aMessage } from './a-message.ts'

const PAGE = 4096
const CHATS = 30
const EACH = 20

/** Ways to damage a file; `random` gives numbers from 0 to 1. */
const ways: Record<string, (bytes: Buffer, random: () => number) => Buffer> = {
  page: (bytes, random) => bytes.fill(0xa5, ...stretch(bytes, random, PAGE)),
  zeros: (bytes, random) => bytes.fill(0, ...stretch(bytes, random, PAGE)),
  sector: (bytes, random) => bytes.fill(0, ...stretch(bytes, random, 512)),
  header(bytes, random) {
    const at = stretch(bytes, random, PAGE)[0] + Math.floor(random() * 60)
    bytes[at] = bytes[at]! ^ (1 + Math.floor(random() * 255))
    return bytes
  },
  cut: (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
}

function stretch(bytes: Buffer, random: () => number, size: number): [number, number] {
  const at = Math.floor((random() * bytes.length) / size) * size
  return [at, at + size]
}

/** Chats of one branch each in a closed database, as bytes, and the ids of their messages. */
export function aSoundDatabase(): { bytes: Buffer; ids: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-sound-'))
  const storage = openStorage({ folder })
  const ids: string[] = []
  for (let chat = 0; chat < CHATS; chat++) {
    const { id } = storage.conversations.create({ id: newId(), title: `Chat ${chat}` })
    let parent: string | null = null
    storage.atomically(() => {
      for (let turn = 0; turn < EACH; turn++) {
        const long = chat % 5 === 0 && turn === 7
        const message = aMessage(
          id,
          `message ${turn} of chat ${chat} ${'some words '.repeat(long ? 1500 : (turn * 7 + chat) % 50)}`,
          parent,
        )
        storage.messages.add(message)
        ids.push((parent = message.id))
      }
    })
    storage.conversations.setHead(id, parent)
    storage.drafts.set(id, { text: 'not yet', attachments: [] })
  }
  storage.close()
  const bytes = readFileSync(join(folder, 'fusion.db'))
  rmSync(folder, { recursive: true })
  return { bytes, ids }
}

/** Damages the database in every way at a place that the seed chooses, and uses it until it is sound again. */
export async function damageAnywhere({ bytes, ids }: { bytes: Buffer; ids: string[] }, seed: number): Promise<void> {
  for (const [way, damage] of Object.entries(ways)) {
    const folder = mkdtempSync(join(tmpdir(), 'fusion-damaged-'))
    let state = (seed * 7919 + 13) | 1
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    writeFileSync(join(folder, 'fusion.db'), damage(Buffer.from(bytes), random))
    try {
      await useUntilSound(folder, ids, way !== 'cut')
    } catch (error) {
      throw new Error(`Damage: ${way}, seed ${seed}`, { cause: error })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

async function useUntilSound(folder: string, ids: string[], mostIsLeft: boolean): Promise<void> {
  let readable = 0
  const told = new Set<string>()
  for (let start = 1; ; start++) {
    const storage = openStorage({ folder })
    try {
      const now = look(storage, ids)
      expect(now).toBeGreaterThanOrEqual(readable)
      readable = now
      const result = await storage.integrityCheck()
      await storage.idle()
      for (const notice of storage.notices()) told.add(notice.failure.code)
      if (result !== 'sound') {
        expect(start).toBeLessThan(3)
        continue
      }
      expect(storage.search.find({ text: '"message 3 of"', limit: 100 }).hits.length).toBeGreaterThanOrEqual(
        CHATS - (ids.length - readable),
      )
      if (readable < ids.length) expect(told.size).toBeGreaterThan(0)
      // One page holds no more than this.
      if (mostIsLeft) expect(readable).toBeGreaterThan(ids.length - 40)
      return
    } finally {
      storage.close()
    }
  }
}

/** Reads everything, and writes a message. Returns how many messages can be read. */
function look(storage: Storage, ids: string[]): number {
  const conversations = storage.conversations.all()
  for (const { id, headId } of conversations) {
    storage.messages.path(headId)
    storage.drafts.get(id)
  }
  storage.folders.all()
  storage.notices()
  if (conversations[0]) {
    const message = aMessage(conversations[0].id, 'written on damage')
    try {
      storage.messages.add(message)
    } catch (error) {
      // The page that it would stand on is damaged. It is refused in words, and the next start mends that.
      expect(error).toMatchObject({ code: 'database-needs-repair' })
    }
  }
  return storage.messages.many(ids).length
}
