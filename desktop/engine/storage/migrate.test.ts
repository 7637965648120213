import Database from 'better-sqlite3'
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { migrate, migrations, versionOf } from './migrate.ts'
import { pruneSnapshots, takeSnapshot } from './snapshots.ts'
import { openTestStorage } from './testing/test-storage.ts'

test('the tables after all migrations', async () => {
  const sqlite = new Database(':memory:')
  migrate(sqlite, () => {})
  const tables = sqlite
    .prepare<[], string>(`select sql from sqlite_schema where sql is not null and name not glob '*_search_*' order by rowid`)
    .pluck()
    .all()
  await expect(`${tables.join(';\n')};\n`).toMatchFileSnapshot('schema.snap.sql')
  expect(versionOf(sqlite)).toBe(migrations.length)
  sqlite.close()
})

test('every table is strict', () => {
  const sqlite = new Database(':memory:')
  migrate(sqlite, () => {})
  const loose = sqlite
    .prepare<[], string>(`select name from pragma_table_list where strict = 0 and type = 'table' and name not like 'sqlite_%'`)
    .pluck()
    .all()
  expect(loose).toEqual([])
  sqlite.close()
})

test('migrating prepares every statement, and a second time does nothing', () => {
  // All statements are prepared when the storage is put together.
  const { folder, reopen } = openTestStorage()
  reopen()
  expect(readdirSync(folder).includes('snapshots')).toBe(false)
})

test('before a migration the file is copied, two copies are kept, and none for longer than two weeks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-migrate-'))
  const sqlite = new Database(join(folder, 'fusion.db'))
  onTestFinished(() => {
    sqlite.close()
    rmSync(folder, { recursive: true })
  })
  sqlite.pragma('journal_mode = wal')
  sqlite.exec(`create table old (a text); insert into old values ('before')`)
  const copies = () => readdirSync(join(folder, 'snapshots')).toSorted()
  const day = 24 * 60 * 60 * 1000
  for (let index = 0; index < 3; index++) {
    takeSnapshot(sqlite, folder, index, Date.now() + index)
    const newest = join(folder, 'snapshots', copies().at(-1)!)
    utimesSync(newest, new Date(Date.now() + index * day), new Date(Date.now() + index * day))
  }
  pruneSnapshots(folder, Date.now())
  expect(copies().map(name => name.slice(0, 11))).toEqual(['before-0002', 'before-0003'])
  const copy = new Database(join(folder, 'snapshots', copies()[0]!), { readonly: true })
  expect(copy.prepare('select a from old').pluck().get()).toBe('before')
  copy.close()
  pruneSnapshots(folder, Date.now() + 15.5 * day)
  expect(copies().map(name => name.slice(0, 11))).toEqual(['before-0003'])
  pruneSnapshots(folder, Date.now() + 17 * day)
  expect(copies()).toEqual([])
})

test('an index made with other tables of Unicode is made anew', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'Tea' })
  storage.close()
  const sqlite = new Database(join(folder, 'fusion.db'))
  sqlite.exec(`update meta set value = 'old' where name = 'search-version'; insert into title_search (title_search) values ('delete-all')`)
  sqlite.close()
  const again = reopen()
  await again.idle()
  expect(again.search.find({ text: 'tea', limit: 1 }).hits.map(hit => hit.conversationId)).toEqual([id])
})
