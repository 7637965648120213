import Database from 'better-sqlite3'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage, type Storage } from './storage.ts'
import { aGrowingAnswer, aMessage, complete } from './testing/a-message.ts'
import { openTestStorage } from './testing/test-storage.ts'

const PAGE = 4096

/** Chats with messages over many pages; ids of the messages, oldest first. */
function fillStorage(storage: Storage, chats = 20, each = 20): string[] {
  return Array.from({ length: chats }, (_, chat) => {
    const { id } = storage.conversations.create({ id: newId(), title: `Chat ${chat}` })
    return storage.atomically(() =>
      Array.from({ length: each }, (_, index) => {
        const message = aMessage(id, `message ${index} of chat ${chat}: ${'some words '.repeat(40)}`)
        storage.messages.add(message)
        return message.id
      }),
    )
  }).flat()
}

/** Overwrites pages of a closed database with noise. Page 1 is the first. */
function damagePages(file: string, pages: number[]): void {
  const handle = openSync(file, 'r+')
  for (const page of pages) writeSync(handle, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE)
  closeSync(handle)
}

function pagesOf(file: string, name: string, kind: 'leaf' | 'internal' = 'leaf'): number[] {
  const sqlite = new Database(file, { readonly: true })
  const pages = sqlite
    .prepare<[string, string], number>('select pageno from dbstat where name = ? and pagetype = ? order by pageno')
    .pluck()
    .all(name, kind)
  sqlite.close()
  return pages
}

const codes = (storage: Storage) => storage.notices().map(notice => notice.failure.code)

test('a database from a newer version is refused and not touched', () => {
  const { folder, storage, reopen } = openTestStorage()
  fillStorage(storage, 1, 1)
  storage.close()
  const file = join(folder, 'fusion.db')
  const sqlite = new Database(file)
  const version = sqlite.pragma('user_version', { simple: true }) as number
  sqlite.pragma('user_version = 999')
  sqlite.close()
  const before = readFileSync(file)
  expect(() => openStorage({ folder })).toThrow(expect.objectContaining({ code: 'database-newer' }))
  expect(readFileSync(file).equals(before)).toBe(true)
  const back = new Database(file)
  back.pragma(`user_version = ${version}`)
  back.close()
  expect(reopen().conversations.all()).toHaveLength(1)
})

test('an index that does not agree with its table is made anew, and a notice says so', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  const file = join(folder, 'fusion.db')
  const bytes = readFileSync(file)
  // Another id in a page of the index, of the same length: the page itself is well.
  for (const page of pagesOf(file, 'msg_tree').slice(0, 3)) {
    const at = bytes.indexOf(ids[0]!.slice(0, 8), (page - 1) * PAGE)
    if (at > 0 && at < page * PAGE) bytes.write('ffffffff', at)
  }
  writeFileSync(file, bytes)
  const again = reopen()
  expect(await again.integrityCheck()).toBe('repaired')
  expect(codes(again)).toEqual(['database-repaired'])
  expect(again.messages.many(ids)).toHaveLength(ids.length)
  expect(await again.integrityCheck()).toBe('sound')
})

test('an index whose pages are lost is made anew when it is met, and the file is made sound at the next start', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  damagePages(join(folder, 'fusion.db'), pagesOf(join(folder, 'fusion.db'), 'msg_tree').slice(0, 3))
  const again = reopen()
  for (const id of ids) expect(again.messages.path(id)).toHaveLength(1)
  expect(codes(again)).toEqual(['database-repaired'])
  expect(again.messages.many(ids)).toHaveLength(ids.length)
  const last = reopen()
  expect(last.messages.many(ids)).toHaveLength(ids.length)
  expect(await last.integrityCheck()).toBe('sound')
})

test('a damaged search index does not keep anybody from writing, and is made anew', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  damagePages(join(folder, 'fusion.db'), pagesOf(join(folder, 'fusion.db'), 'msg_search_data'))
  const again = reopen()
  const chat = again.conversations.all()[0]!
  const message = aMessage(chat.id, 'written all the same')
  again.messages.add(message)
  await again.idle()
  expect(again.search.find({ text: 'same', limit: 5 }).hits.map(hit => hit.messageId)).toEqual([message.id])
  expect(again.search.find({ text: '"message 7 of"', limit: 100 }).hits).toHaveLength(20)
  expect(codes(again)).toEqual(['database-repaired'])
  const last = reopen()
  expect(last.messages.many([...ids, message.id])).toHaveLength(ids.length + 1)
  expect(await last.integrityCheck()).toBe('sound')
})

test('lost pages of the count of words keep nobody from writing', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  damagePages(join(folder, 'fusion.db'), pagesOf(join(folder, 'fusion.db'), 'search_word'))
  const again = reopen()
  const message = aMessage(again.conversations.all()[0]!.id, 'written all the same')
  again.messages.add(message)
  await again.idle()
  expect(again.messages.many([...ids, message.id])).toHaveLength(ids.length + 1)
  expect(codes(again)).toEqual(['database-repaired'])
})

test('a chat whose newest message lies on a damaged page still shows the others', () => {
  const { folder, storage, reopen } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'One branch' })
  const ids: string[] = []
  for (let turn = 0; turn < 40; turn++) {
    const message = aMessage(id, 'some words '.repeat(40), ids.at(-1) ?? null)
    storage.messages.add(message)
    ids.push(message.id)
  }
  storage.conversations.setHead(id, ids.at(-1)!)
  storage.close()
  damagePages(join(folder, 'fusion.db'), pagesOf(join(folder, 'fusion.db'), 'msg').slice(-1))
  const again = reopen()
  expect(again.messages.path(ids.at(-1)!).map(entry => entry.id)).toEqual(ids)
  const readable = again.messages.many(ids).length
  expect(readable).toBeGreaterThan(20)
  expect(readable).toBeLessThan(ids.length)
})

test('a damaged page of messages hides no others, and the next start brings over all that can be read', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  const file = join(folder, 'fusion.db')
  const pages = pagesOf(file, 'msg')
  damagePages(file, [pages[2]!, pages[9]!, pages[10]!])
  const again = reopen()
  const readable = again.messages.many(ids).map(message => message.id)
  expect(readable.length).toBeGreaterThan(ids.length - 40)
  expect(readable.length).toBeLessThan(ids.length)
  expect(await again.integrityCheck()).toBe('damaged')
  const salvaged = reopen()
  expect(salvaged.messages.many(ids).map(message => message.id)).toEqual(readable)
  expect(salvaged.conversations.all()).toHaveLength(20)
  expect(codes(salvaged)).toContain('database-damaged')
  expect(await salvaged.integrityCheck()).toBe('sound')
  await salvaged.idle()
  expect(salvaged.search.find({ text: '"message 19 of"', limit: 100 }).hits.length).toBeGreaterThan(15)
})

test('a database whose first page is lost is kept aside, and every row is brought over', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage)
  storage.close()
  const file = join(folder, 'fusion.db')
  damagePages(file, [1])
  const damaged = readFileSync(file)
  const again = reopen()
  expect(again.messages.many(ids)).toHaveLength(ids.length)
  const [notice] = again.notices()
  expect(notice).toMatchObject({ failure: { code: 'database-damaged' } })
  expect(readFileSync(String(notice!.failure.detail!['file'])).equals(damaged)).toBe(true)
  expect(await again.integrityCheck()).toBe('sound')
})

test('a truncated database gives back what it still holds', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const ids = fillStorage(storage, 40)
  storage.close()
  const file = join(folder, 'fusion.db')
  truncateSync(file, Math.floor(statSync(file).size / 2 / PAGE) * PAGE)
  const again = reopen()
  // The notice comes at once or after the check of the whole file.
  if ((await again.integrityCheck()) === 'damaged') reopen()
  const last = reopen()
  expect(codes(last)).toContain('database-damaged')
  expect(last.messages.many(ids).length).toBeGreaterThan(ids.length / 5)
  expect(await last.integrityCheck()).toBe('sound')
})

test('a file of nonsense in place of the database is kept aside', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-nonsense-'))
  writeFileSync(join(folder, 'fusion.db'), 'this is not a database, '.repeat(1000))
  const { storage } = openTestStorage({ folder })
  expect(storage.conversations.all()).toEqual([])
  expect(codes(storage)).toEqual(['database-damaged'])
  expect(readdirSync(join(folder, 'snapshots'))).toHaveLength(1)
})

const canMount = process.platform === 'linux' && process.getuid?.() === 0
function mounted(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'fusion-test', folder])
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

// Only root can mount a small file system.
test.skipIf(!canMount)('on a full disk what was there stays, the failure says so, and it goes on when there is room', () => {
  const folder = mounted('4m')
  const storage = openStorage({ folder })
  onTestFinished(() => storage.close())
  const { id } = storage.conversations.create({ id: newId(), title: 'Full' })
  const question = aMessage(id, 'kept')
  storage.messages.add(question)
  const answer = aGrowingAnswer(id, question.id)
  storage.messages.begin(answer)
  storage.messages.grow(answer.id, 'text', 'kept too')
  const filler = join(folder, 'filler')
  const { bavail, bsize } = statfsSync(folder)
  for (let bytes = bavail * bsize; bytes >= 512; bytes /= 2) {
    try {
      writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' })
    } catch {
      // Less than that is free.
    }
  }
  let written = 'kept too'
  const full = expect.objectContaining({ code: 'disk-full', retryable: true })
  expect(() => {
    for (;;) {
      storage.messages.grow(answer.id, 'text', 'x'.repeat(20_000))
      written += 'x'.repeat(20_000)
    }
  }).toThrow(full)
  expect(() => storage.messages.add(aMessage(id, 'y'.repeat(100_000)))).toThrow(full)
  expect(storage.messages.get(question.id)).toEqual(question)
  expect(textOf(storage.messages.get(answer.id)!)).toBe(written)
  rmSync(filler)
  storage.messages.grow(answer.id, 'text', ' and on')
  expect(textOf(storage.messages.finish(answer.id, complete))).toBe(`${written} and on`)
})

test.skipIf(!canMount)('a full disk at the start is said as such', () => {
  const folder = mounted('64k')
  writeFileSync(join(folder, 'filler'), Buffer.alloc(60_000))
  expect(() => openStorage({ folder })).toThrow(expect.objectContaining({ code: 'disk-full' }))
})

test.skipIf(!canMount)('a read-only data folder is refused with its name, and can be opened to read', () => {
  const folder = mounted('8m')
  const first = openStorage({ folder })
  const ids = fillStorage(first, 2, 2)
  first.close()
  execFileSync('mount', ['-o', 'remount,ro', folder])
  expect(() => openStorage({ folder })).toThrow(expect.objectContaining({ code: 'data-folder-read-only', detail: { folder } }))
  const storage = openStorage({ folder, readOnly: true })
  expect(storage.messages.many(ids)).toHaveLength(4)
  expect(storage.search.find({ text: 'message', limit: 10 }).hits).toHaveLength(4)
  expect(codes(storage)).toEqual(['data-folder-read-only'])
  const { id } = storage.conversations.all()[0]!
  expect(() => storage.conversations.rename(id, 'No')).toThrow(expect.objectContaining({ code: 'data-folder-read-only' }))
  storage.close()
})
