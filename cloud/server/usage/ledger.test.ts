import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Database } from '../../database/connection.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { asOwner } from '../../database/testing/as-owner.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { addUsage, ensureUsagePartitions, organisationUsage, ownUsage, rollUpUsage, type UsageRow } from '../../database/usage.ts'
import { createUser } from '../../database/users.ts'
import { createLedger } from './ledger.ts'

let made: TestDatabase
beforeAll(async () => {
  made = await makeDatabase()
})
afterAll(() => made.close())

async function somebody(): Promise<Pick<UsageRow, 'userId' | 'organisationId'>> {
  const organisation = await createOrganisation(made.database, 'Example')
  const email = `${newId()}@example.org`
  const user = await createUser(made.database, { organisationId: organisation.id, email, name: 'A', role: 'member' })
  return { userId: user!.id, organisationId: organisation.id }
}
const row = (who: Pick<UsageRow, 'userId' | 'organisationId'>, more: Partial<UsageRow> = {}): UsageRow => ({
  ...who,
  apiKeyId: null,
  requestId: newId(),
  kind: 'chat',
  model: 'a-model',
  server: '127.0.0.1:1',
  ended: 'complete',
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 3,
  priceVersion: null,
  cost: 7,
  source: 'model',
  retries: 0,
  at: new Date(),
  durationMs: 20,
  ...more,
})
const used = (userId: string) => made.database.asUser(userId, tx => ownUsage(tx, new Date(0)))
const sums = async (organisationId: string, rowsFrom: Date) =>
  organisationUsage(made.database, { organisationId, since: new Date(0), rowsFrom })

/** A database that can be away, or whose last reply is lost. */
function flaky(how: { fails: 'before' | 'after' | null }): Database {
  return {
    ...made.database,
    async asUser(userId, work) {
      if (how.fails === 'before') throw new Error('the database is away')
      const result = await made.database.asUser(userId, work)
      if (how.fails === 'after') throw new Error('the reply was lost')
      return result
    },
  }
}

test('rows wait while the database is away and come once when it is back, also where only its reply was lost', async () => {
  const who = await somebody()
  const how = { fails: 'before' as 'before' | 'after' | null }
  const away: string[] = []
  const ledger = createLedger({ database: flaky(how), onLost: rows => away.push(`lost ${rows}`), onAway: () => away.push('away') })
  for (let count = 0; count < 300; count++) ledger.add(row(who))
  await expect.poll(() => away).toEqual(['away'])
  how.fails = 'after'
  await expect.poll(async () => (await used(who.userId))[0]?.requests ?? 0, { timeout: 5_000 }).toBeGreaterThan(0)
  how.fails = null
  await expect.poll(() => ledger.waiting(), { timeout: 5_000 }).toBe(0)
  await ledger.close()
  expect(await used(who.userId)).toMatchObject([{ requests: 300, promptTokens: 3000 }])
  expect(away).toEqual(['away'])
})

test('what is more than can wait is lost, the oldest first, and told; the end waits for what can still be written', async () => {
  const who = await somebody()
  const how = { fails: 'before' as 'before' | 'after' | null }
  let lost = 0
  const ledger = createLedger({ database: flaky(how), most: 5, onLost: rows => (lost += rows) })
  const rows = Array.from({ length: 8 }, (_, index) => row(who, { promptTokens: 100 + index, cachedTokens: 0 }))
  for (const one of rows) ledger.add(one)
  expect(lost).toBe(3)
  how.fails = null
  await ledger.close()
  expect(lost).toBe(3)
  expect(await used(who.userId)).toMatchObject([{ requests: 5, promptTokens: 103 + 104 + 105 + 106 + 107 }])
})

test('rows of one person that hang hold up nobody else', async () => {
  const people = [await somebody(), await somebody(), await somebody()]
  const held = Promise.withResolvers<void>()
  const database: Database = {
    ...made.database,
    async asUser(userId, work) {
      if (userId === people[0]!.userId) await held.promise
      return made.database.asUser(userId, work)
    },
  }
  const ledger = createLedger({ database, onLost: () => {} })
  for (const who of people) ledger.add(row(who))
  await expect.poll(() => ledger.waiting()).toBe(1)
  expect(await used(people[2]!.userId)).toMatchObject([{ requests: 1 }])
  held.resolve()
  await ledger.close()
  expect(await used(people[0]!.userId)).toMatchObject([{ requests: 1 }])
})

test('a row that the database never takes is lost by itself, and told', async () => {
  const who = await somebody()
  let lost = 0
  const ledger = createLedger({ database: made.database, onLost: rows => (lost += rows) })
  for (const model of ['a-model', 'a\0model', 'a-model']) ledger.add(row(who, { model }))
  await expect.poll(() => ledger.waiting()).toBe(0)
  await ledger.close()
  expect(lost).toBe(1)
  expect(await used(who.userId)).toMatchObject([{ requests: 2 }])
})

test('a request that began before the end of a month stands in that month once, though it is written again in the next', async () => {
  const who = await somebody()
  await ensureUsagePartitions(made.database, new Date('2031-01-31T23:59:59.900Z'))
  const late = row(who, { at: new Date('2031-01-31T23:59:59.900Z') })
  await made.database.asUser(who.userId, tx => addUsage(tx, [late]))
  await ensureUsagePartitions(made.database, new Date('2031-02-01T00:00:00.100Z'))
  await made.database.asUser(who.userId, tx => addUsage(tx, [late, row(who, { at: new Date('2031-02-01T00:00:00Z') })]))
  expect(await used(who.userId)).toMatchObject([
    { day: '2031-02-01', requests: 1 },
    { day: '2031-01-31', requests: 1 },
  ])
})

test('a row of a month that was not made is taken, and moves into its month when that is made', async () => {
  const who = await somebody()
  const early = row(who, { at: new Date('2033-07-15T12:00:00Z') })
  await made.database.asUser(who.userId, tx => addUsage(tx, [early]))
  const making = Array.from({ length: 4 }, () => ensureUsagePartitions(made.database, new Date('2033-06-02T00:00:00Z')))
  expect((await Promise.all(making)).flat().toSorted()).toEqual(['usage_2033_06', 'usage_2033_07', 'usage_2033_08'])
  expect(await ensureUsagePartitions(made.database, new Date('2033-06-30T23:59:59Z'))).toEqual([])
  await made.database.asUser(who.userId, tx => addUsage(tx, [early]))
  expect(await used(who.userId)).toMatchObject([{ day: '2033-07-15', requests: 1 }])
})

test('nobody changes or takes out what was written, sees the rows of others, or asks a month past the rules', async () => {
  const who = await somebody()
  const other = await somebody()
  await ensureUsagePartitions(made.database, new Date('2035-03-02T00:00:00Z'))
  await made.database.asUser(who.userId, tx => addUsage(tx, [row(who), row(who, { at: new Date('2035-03-03T00:00:00Z') })]))
  const as = (userId: string, query: string) => made.database.asUser(userId, tx => tx.query(query))
  for (const query of [
    'update usage set model = $$x$$',
    'delete from usage',
    'truncate usage',
    'select * from usage_2035_03',
    'select * from usage_hours',
  ])
    await expect(as(who.userId, query)).rejects.toThrow('permission denied')
  expect(await as(other.userId, 'select * from usage')).toEqual([])
  await expect(made.database.asUser(other.userId, tx => addUsage(tx, [row(who)]))).rejects.toThrow('row-level security')
})

test('sums by hour are what the rows are, however often they are made and however late a row comes', async () => {
  const who = await somebody()
  const other = { ...(await somebody()), organisationId: who.organisationId }
  const at = (minutes: number) => new Date(Date.parse('2020-05-05T10:00:00Z') + minutes * 60_000)
  const write = (...rows: UsageRow[]) => made.database.asUser(rows[0]!.userId, tx => addUsage(tx, rows))
  await write(row(who, { at: at(0) }), row(who, { at: at(59), ended: 'failed' }), row(who, { at: at(60), model: 'b-model' }))
  await write(row(other, { at: at(30), ended: 'stopped' }))
  const [never, always] = [new Date(0), new Date('2040-01-01T00:00:00Z')]
  // Where no sums were made yet, rows are read instead.
  expect((await sums(who.organisationId, always)).totals.requests).toBe(4)
  const rows = await sums(who.organisationId, never)
  expect(rows.totals).toEqual({ requests: 4, stopped: 1, failed: 1, promptTokens: 40, cachedTokens: 16, completionTokens: 12, cost: 28 })
  await rollUpUsage(made.database)
  await Promise.all([rollUpUsage(made.database), rollUpUsage(made.database)])
  expect(await sums(who.organisationId, always)).toEqual(rows)
  // Half by sums, half by rows.
  expect(await sums(who.organisationId, at(60))).toEqual(rows)
  await write(row(who, { at: at(1) }))
  await rollUpUsage(made.database)
  expect((await sums(who.organisationId, always)).totals.requests).toBe(5)
  // Sums of rows that are gone by now are still told.
  await asOwner(made.url, `delete from usage where organisation_id = '${who.organisationId}'`)
  expect((await sums(who.organisationId, always)).totals.requests).toBe(5)
})

test('sums that were not made for days are caught up with, in steps', async () => {
  const who = await somebody()
  const rows = Array.from({ length: 30 }, (_, hours) => row(who, { at: new Date(Date.parse('2021-03-03T00:30:00Z') + hours * 3_600_000) }))
  await made.database.asUser(who.userId, tx => addUsage(tx, rows))
  // As if each had been written when it was.
  await asOwner(
    made.url,
    `update usage set written_at = at where organisation_id = '${who.organisationId}'`,
    `update usage_rolled_up set until = '2021-03-03T00:00:00Z'`,
  )
  await rollUpUsage(made.database)
  await asOwner(made.url, `delete from usage where organisation_id = '${who.organisationId}'`)
  expect((await sums(who.organisationId, new Date('2040-01-01T00:00:00Z'))).totals.requests).toBe(30)
})
