import Database from 'better-sqlite3'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStorage } from './storage.ts'
import { aSoundDatabase } from './testing/damage-anywhere.ts'

const PAGE = 4096

/** How many messages are lost when a page of a sound database is damaged, for each of the pages that the query names. */
async function lostWithout(pages: string, damage = (page: Buffer) => page.fill(0xa5)): Promise<number[]> {
  const { bytes, ids } = aSoundDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'fusion-salvage-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'fusion.db')
  writeFileSync(file, bytes)
  const sqlite = new Database(file)
  const numbers = sqlite.prepare<[], number>(pages).pluck().all()
  sqlite.close()
  const lost: number[] = []
  for (const number of numbers) {
    const copy = Buffer.from(bytes)
    damage(copy.subarray((number - 1) * PAGE, number * PAGE))
    writeFileSync(file, copy)
    const damaged = openStorage({ folder })
    await damaged.integrityCheck()
    damaged.close()
    const mended = openStorage({ folder })
    lost.push(ids.length - mended.messages.many(ids).length)
    mended.close()
  }
  return lost
}

test('no message is lost with the page that the table of messages begins at', async () => {
  expect(await lostWithout(`select rootpage from sqlite_schema where name = 'msg'`)).toEqual([0])
})

test('no message is lost with the encoding of text in the header of the file', async () => {
  expect(await lostWithout('select 1', bytes => bytes.fill(3, 59, 60))).toEqual([0])
})

test('no message is lost with any page of the schema', async () => {
  expect(await lostWithout(`select pageno from dbstat where name = 'sqlite_schema'`)).toEqual([0, 0, 0])
})
