// Migrations against a database that is in use and holds a history: nobody who asks waits long, and nothing is lost.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from './connection.ts'
import { listMessages } from './messages.ts'
import { migrate } from './migrate.ts'
import { createOrganisation } from './organisations.ts'
import { asOwner } from './testing/as-owner.ts'
import { fillHistory } from './testing/filled-history.ts'
import { makeDatabase, type TestDatabase } from './testing/test-database.ts'
import { createUser } from './users.ts'

let made: TestDatabase
beforeEach(async () => {
  made = await makeDatabase()
})
afterEach(() => made.close())

const files = (await readdir(join(import.meta.dirname, 'migrations'))).filter(name => name.endsWith('.sql')).toSorted()
/** One that changes a table which is in use: taken back, so that it is done once more, over what was filled in. */
const LATER = '0027-answer-due.sql'
const UNDO_LATER = [
  'drop function due_answers()',
  'alter table generations drop column answer_due',
  `delete from schema_migrations where name = '${LATER}'`,
]

async function fill() {
  const organisation = await createOrganisation(made.database, 'Example')
  const email = 'like@example.org'
  await createUser(made.database, { organisationId: organisation.id, email, name: 'Like', role: 'member' })
  return fillHistory(made.url, email, { people: 4, messages: 2_000 })
}

test('a database that is up to date is left alone, also by several servers that start at once', async () => {
  expect(await Promise.all(Array.from({ length: 4 }, () => migrate(made.url)))).toEqual(Array.from({ length: 4 }, () => ({ applied: [] })))
})

test('of several servers that start at once on an older database one migrates, once', async () => {
  await asOwner(made.url, ...UNDO_LATER)
  const done = await Promise.all(Array.from({ length: 4 }, () => migrate(made.url)))
  expect(done.flatMap(({ applied }) => applied)).toEqual([LATER])
})

test('behind a transaction that holds its table a migration gives way to those who ask, tries again, and is done when it can', async () => {
  const writers = await fill()
  await asOwner(made.url, ...UNDO_LATER)
  const holder = new Client({ connectionString: made.url })
  await holder.connect()
  await holder.query('begin')
  await holder.query('select * from generations limit 1')

  const database = openDatabase({ url: made.url })
  const { userId } = writers[0]!
  let asked = 0
  const over = new AbortController()
  const asking = (async () => {
    while (!over.signal.aborted) {
      await database.asUser(userId, tx => tx.query('select count(*) from generations'))
      asked += 1
    }
  })()
  let migrated = false
  const migrating = migrate(made.url).then(result => {
    migrated = true
    return result
  })
  const locks = new Client({ connectionString: made.url })
  await locks.connect()
  /** When each try of the migration that waited began. */
  const tries = new Set<string>()
  const countTries = async () => {
    const { rows } = await locks.query<{ began: string }>(
      `select xact_start::text as began from pg_stat_activity
       where datname = current_database() and application_name = 'fusion-migrations' and wait_event_type = 'Lock'`,
    )
    for (const { began } of rows) tries.add(began)
    return tries.size
  }
  await expect.poll(countTries, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
  const before = asked
  await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(before)
  expect(migrated).toBe(false)
  await holder.query('commit')
  expect(await migrating).toEqual({ applied: [LATER] })
  over.abort()
  await asking
  for (const one of writers) {
    const page = { conversationId: one.conversationId, before: undefined, limit: 5_000 }
    expect(await database.asUser(one.userId, tx => listMessages(tx, one.userId, page))).toHaveLength(2_000)
  }
  await Promise.all([holder.end(), locks.end(), database.close()])
})

test('a migration that fails leaves nothing of itself, and the server does not start on half of it', async () => {
  await asOwner(made.url, ...UNDO_LATER, 'create function due_answers() returns integer language sql return 1')
  await expect(migrate(made.url)).rejects.toThrow('due_answers')
  const owner = new Client({ connectionString: made.url })
  await owner.connect()
  const { rows } = await owner.query(
    `select 1 from information_schema.columns where table_name = 'generations' and column_name = 'answer_due'`,
  )
  expect(rows).toEqual([])
  await owner.query('drop function due_answers()')
  await owner.end()
  expect(await migrate(made.url)).toEqual({ applied: [LATER] })
})

test('a database of a newer Fusion is not touched', async () => {
  await asOwner(made.url, `insert into schema_migrations (name) values ('9999-from-the-future.sql')`)
  await expect(migrate(made.url)).rejects.toThrow('set up by a newer Fusion (it knows 9999-from-the-future.sql)')
})

test('migrations are numbered each for itself', () => {
  const numbers = files.map(name => name.slice(0, 4))
  expect(numbers).toEqual([...new Set(numbers)])
})
