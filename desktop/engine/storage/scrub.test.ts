import Database from 'better-sqlite3'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { setUp } from './connection.ts'
import { scrub } from './scrub.ts'

test('scrubbing takes away what SQLite leaves of deleted rows, and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-scrub-'))
  const file = join(folder, 'test.db')
  const sqlite = new Database(file)
  onTestFinished(() => {
    sqlite.close()
    rmSync(folder, { recursive: true })
  })
  setUp(sqlite)
  sqlite.exec('create table word (word text primary key not null, uses integer) strict, without rowid')
  const insert = sqlite.prepare('insert into word values (?, ?)')
  // In no order and of many lengths, so that pages are split and rows moved all the time.
  let state = 1
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0)
  const words = Array.from({ length: 20_000 }, (_, index) => `${random().toString(36)}${index}${'x'.repeat(random() % 4)}`)
  sqlite.transaction(() => words.forEach((word, index) => insert.run(word, index)))()
  const gone = words.filter((_, index) => index % 10 === 0)
  const remove = sqlite.prepare('delete from word where word = ?')
  sqlite.transaction(() => gone.forEach(word => remove.run(word)))()
  sqlite.pragma('wal_checkpoint(truncate)')
  const found = () => {
    const bytes = readFileSync(file).toString('latin1')
    return gone.filter(word => bytes.includes(word))
  }
  expect(found().length).toBeGreaterThan(0)

  await scrub(sqlite)
  expect(found()).toEqual([])
  // Nor does it come back with later changes of the same pages.
  sqlite.transaction(() => words.slice(0, 600).forEach((_, index) => insert.run(`${index}-new`, index)))()
  sqlite.pragma('wal_checkpoint(truncate)')
  expect(found()).toEqual([])
  expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(sqlite.prepare('select count(*) from word').pluck().get()).toBe(18_600)
})
