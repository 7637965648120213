import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { type Database, openDatabase } from '../connection.ts'

export interface TestDatabase {
  database: Database
  /** As its owner, whom row-level security does not hold. */
  url: string
  close(): Promise<void>
}

/** A new database with the newest schema, in the Postgres that all tests share. */
export async function makeDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('postgres'))
  const name = `test_${randomBytes(8).toString('hex')}`
  await asOwner(template, `create database ${name} template ${template.pathname.slice(1)}`)
  const url = new URL(template)
  url.pathname = `/${name}`
  const database = openDatabase({ url: url.href })
  return {
    database,
    url: url.href,
    async close() {
      await database.close()
      await asOwner(template, `drop database ${name} with (force)`)
    },
  }
}

async function asOwner(template: URL, sql: string): Promise<void> {
  const url = new URL(template)
  // Not the template: nobody may be connected to it while it is copied.
  url.pathname = '/postgres'
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
