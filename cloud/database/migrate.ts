import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'

const folder = join(import.meta.dirname, 'migrations')

/** Any number, the same in every server: the lock under which one of them migrates while the others wait. */
const MIGRATION_LOCK = 4_320_001
/** Rather than hold up all requests behind a lock it waits for, a migration gives up, and tries again. */
const LOCK_MS = 2_000
const TRIES = 30

/**
 * Brings the database to the newest schema: each file of `migrations/` once, in order, in a transaction of its own. Only forward; safe when
 * several servers start at once. `url` has to name a role that may create tables and roles. `only`: to the schema of an older Fusion, which had
 * these. Throws what Postgres throws.
 */
export async function migrate(url: string, { only }: { only?: readonly string[] } = {}): Promise<{ applied: string[] }> {
  const client = new Client({ connectionString: url, application_name: 'fusion-migrations' })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(`create table if not exists schema_migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`)
    const { rows } = await client.query<{ name: string }>('select name from schema_migrations')
    const known = new Set(rows.map(row => row.name))
    const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).toSorted()
    const newer = [...known, ...(only ?? [])].filter(name => !files.includes(name))
    if (newer.length > 0) throw new DatabaseNewer(newer)
    const applied = files.filter(name => !known.has(name) && (!only || only.includes(name)))
    for (const name of applied) await apply(client, name, await readFile(join(folder, name), 'utf8'))
    return { applied }
  } finally {
    await client.end()
  }
}

/** The database was made by a newer Fusion than this one. */
export class DatabaseNewer extends Error {
  constructor(names: readonly string[]) {
    super(`The database was set up by a newer Fusion (it knows ${names.join(', ')}). Start that one, or update this one.`)
  }
}

async function apply(client: Client, name: string, sql: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(`begin; set local lock_timeout = ${LOCK_MS}`)
      await client.query(sql)
      await client.query('insert into schema_migrations (name) values ($1)', [name])
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback')
      if (!isLockTimeout(error) || attempt === TRIES) throw error
    }
  }
}

/** Postgres' code for `lock_timeout`. */
const isLockTimeout = (error: unknown) => error instanceof Error && (error as { code?: string }).code === '55P03'
