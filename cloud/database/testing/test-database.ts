import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { type Database, openDatabase } from '../connection.ts'
import { asOwner } from './as-owner.ts'

export interface TestDatabase {
  database: Database
  /** As its owner, whom row-level security does not hold. */
  url: string
  close(): Promise<void>
}

/** A new database without even a schema, in the same Postgres. */
export async function makeBlankDatabase(): Promise<Pick<TestDatabase, 'url' | 'close'>> {
  const elsewhere = new URL(inject('postgres'))
  elsewhere.pathname = '/postgres'
  const name = `test_${randomBytes(8).toString('hex')}`
  await asOwner(elsewhere.href, `create database ${name}`)
  const url = new URL(elsewhere)
  url.pathname = `/${name}`
  return { url: url.href, close: () => asOwner(elsewhere.href, `drop database ${name} with (force)`) }
}

/** A new database with the newest schema, in the Postgres that all tests share. */
export async function makeDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('postgres'))
  const name = `test_${randomBytes(8).toString('hex')}`
  // Asked from elsewhere: nobody may be connected to the template while it is copied.
  const elsewhere = new URL(template)
  elsewhere.pathname = '/postgres'
  await asOwner(elsewhere.href, `create database ${name} template ${template.pathname.slice(1)}`)
  const url = new URL(template)
  url.pathname = `/${name}`
  const database = openDatabase({ url: url.href })
  return {
    database,
    url: url.href,
    async close() {
      await database.close()
      await asOwner(elsewhere.href, `drop database ${name} with (force)`)
    },
  }
}
