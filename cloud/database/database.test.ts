import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDatabase, type TestDatabase } from './testing/test-database.ts'

let made: TestDatabase
beforeAll(async () => {
  made = await makeDatabase()
})
afterAll(() => made.close())

test('requests are answered as a role that row-level security holds', async () => {
  const [role] = await made.database.query('select current_user as name, rolsuper, rolbypassrls from pg_roles where rolname = current_user')
  expect(role).toEqual({ name: 'fusion_app', rolsuper: false, rolbypassrls: false })
})

test('a transaction of a user tells the database who asks, and the next one on the same connection does not', async () => {
  const asked = 'select fusion_user() as id'
  const user = '01999999-9999-7999-8999-999999999999'
  expect(await made.database.asUser(user, tx => tx.query(asked))).toEqual([{ id: user }])
  expect(await made.database.query(asked)).toEqual([{ id: null }])
})

test('a transaction whose work throws leaves nothing behind, and its connection can be used again', async () => {
  const user = '01999999-9999-7999-8999-999999999999'
  await expect(made.database.asUser(user, tx => tx.query('select 1 / 0'))).rejects.toThrow('division by zero')
  expect(await made.database.query('select fusion_user() as id')).toEqual([{ id: null }])
})

test('reading in one trip sees the rows of who asks alone, may write nothing, and leaves nothing behind', async () => {
  const user = '01999999-9999-7999-8999-999999999999'
  const asked = 'select fusion_user() as id, current_setting($1) as "readOnly"'
  const seen = await made.database.readAsUser(user, tx =>
    Promise.all([tx.prepared(asked, ['transaction_read_only']), tx.query('select count(*)::int as spaces from spaces')]),
  )
  expect(seen).toEqual([[{ id: user, readOnly: 'on' }], [{ spaces: 0 }]])
  await expect(made.database.readAsUser(user, tx => tx.query('select lock_space()'))).rejects.toThrow('read-only transaction')
  expect(await made.database.query('select fusion_user() as id')).toEqual([{ id: null }])
})

test('where one query of a trip fails its reason is told, and the connections can be used again', async () => {
  const user = '01999999-9999-7999-8999-999999999999'
  const failing = () =>
    made.database.readAsUser(user, tx => Promise.all([tx.query('select 1 / 0'), tx.prepared('select fusion_user() as id', [])]))
  for (const result of await Promise.allSettled(Array.from({ length: 40 }, failing)))
    expect(result).toMatchObject({ status: 'rejected', reason: { message: 'division by zero' } })
  expect(await made.database.query('select fusion_user() as id')).toEqual([{ id: null }])
  expect(made.database.pool().waiting).toBe(0)
})

test('a query that comes after the end of its trip is not sent', async () => {
  const late = made.database.readAsUser('01999999-9999-7999-8999-999999999999', async tx => {
    await tx.query('select 1')
    return tx.query('select 2')
  })
  await expect(late).rejects.toThrow('after the end of its transaction')
})
