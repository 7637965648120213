import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSchema } from './testing/read-schema.ts'
import { makeDatabase, type TestDatabase } from './testing/test-database.ts'

let made: TestDatabase
beforeAll(async () => {
  made = await makeDatabase()
})
afterAll(() => made.close())

test('the schema after all migrations is the one that was reviewed', async () => {
  const owner = new Client({ connectionString: made.url })
  await owner.connect()
  const schema = await readSchema(owner)
  await owner.end()
  await expect(schema).toMatchFileSnapshot('schema.snap.sql')
})
