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
