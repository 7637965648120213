import { afterEach, beforeEach, expect, test } from 'vitest'
import { asOwner } from '../../database/testing/as-owner.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { type Audit, createAudit } from './audit.ts'

const organisationId = '01999999-0000-7000-8000-000000000001'
const other = '01999999-0000-7000-8000-000000000002'

let made: TestDatabase
let audit: Audit
beforeEach(async () => {
  made = await makeDatabase()
  audit = createAudit({ database: made.database, secretKey: Buffer.from('a secret of this test'), clock: () => 1_800_000_000_123 })
})
afterEach(() => made.close())

async function write(count: number, organisation = organisationId): Promise<void> {
  for (let number = 1; number <= count; number++)
    await audit.write({ event: 'sign-in', organisationId: organisation, address: '127.0.0.1', detail: { number, by: 'password', a: null } })
}

/** As the owner of the table, who can take its trigger away. */
const tamper = (...statements: string[]) =>
  asOwner(
    made.url,
    'alter table audit_events disable trigger all',
    'alter table audit_heads disable trigger all',
    ...statements,
    'alter table audit_events enable trigger all',
  )

test('a log that nobody touched is whole, each organisation with a chain of its own', async () => {
  await write(3)
  await write(2, other)
  expect(await audit.verify(organisationId)).toEqual({
    events: 3,
    broken: null,
    head: { seq: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })
  expect(await audit.verify(other)).toMatchObject({ events: 2, broken: null })
})

test('an empty log is whole', async () => {
  expect(await audit.verify(organisationId)).toEqual({ events: 0, broken: null, head: null })
})

test('events that are written at the same moment have a place each, without a gap', async () => {
  await Promise.all(Array.from({ length: 40 }, () => write(1)))
  expect(await audit.verify(organisationId)).toMatchObject({ events: 40, broken: null })
})

test('what is rolled back leaves no link, and no gap', async () => {
  await write(1)
  const work = made.database.transaction(async tx => {
    await audit.write({ event: 'role-change', organisationId }, tx)
    throw new Error('it went wrong')
  })
  await expect(work).rejects.toThrow('it went wrong')
  await write(1)
  expect(await audit.verify(organisationId)).toMatchObject({ events: 2, broken: null })
})

test.each([
  ['a changed detail', `update audit_events set detail = '{"number": 7}' where seq = 3`, { seq: 3, why: 'changed' }],
  ['another actor', `update audit_events set actor_id = '${other}' where seq = 2`, { seq: 2, why: 'changed' }],
  ['another time', `update audit_events set at = at + interval '1 s' where seq = 1`, { seq: 1, why: 'changed' }],
  ['a row that was taken out', 'delete from audit_events where seq = 2', { seq: 2, why: 'missing' }],
  ['a beginning that was cut off', 'delete from audit_events where seq < 3', { seq: 1, why: 'missing' }],
  ['an end that was cut off', 'delete from audit_events where seq > 3', { seq: 4, why: 'missing' }],
  [
    'a row that another was copied over',
    'update audit_events set (event, detail, hash) = (select event, detail, hash from audit_events where seq = 1) where seq = 4',
    { seq: 4, why: 'changed' },
  ],
  [
    'a row that was taken out, with those after it moved up',
    'delete from audit_events where seq = 2; update audit_events set seq = seq - 1 where seq > 2; update audit_heads set seq = seq - 1',
    { seq: 2, why: 'changed' },
  ],
  ['a head that is gone', 'delete from audit_heads', { seq: 1, why: 'unknown' }],
])('the first broken link is found: %s', async (_, statement, broken) => {
  await write(5)
  await tamper(statement)
  expect((await audit.verify(organisationId)).broken).toEqual(broken)
})

test('a link that was made without the key of this cloud is found', async () => {
  await write(2)
  const forger = createAudit({ database: made.database, secretKey: Buffer.from('a guess'), clock: Date.now })
  await forger.write({ event: 'sign-in', organisationId })
  expect((await audit.verify(organisationId)).broken).toEqual({ seq: 3, why: 'changed' })
})

test('neither the server nor the owner of the table changes or removes an event', async () => {
  await write(2)
  const statements = [
    `update audit_events set event = 'nothing'`,
    'delete from audit_events',
    'truncate audit_events',
    'delete from audit_heads',
  ]
  for (const statement of statements) {
    await expect(made.database.query(statement)).rejects.toThrow('permission denied')
    await expect(asOwner(made.url, statement)).rejects.toThrow('append-only')
  }
  expect(await audit.verify(organisationId)).toMatchObject({ events: 2, broken: null })
})
