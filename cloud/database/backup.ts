// All that the database holds, as lines of JSON, and back: for a cloud on one machine, whose Postgres nobody else looks after.
import { Client } from 'pg'
import { migrate } from './migrate.ts'

/**
 * The first line, then for each table its name and columns, and its rows in lines of their own: each the texts of its columns, as Postgres writes
 * and reads them, since it reads no JSON with U+0000 in it. The last line says that it is whole.
 */
type Line = { fusion: 1; migrations: string[] } | { table: string; columns: string[] } | { rows: number }

/** One backup at a time, of whichever server. */
const BACKUP_LOCK = 4_320_004
const FETCH = 500
/** Characters of rows that are written with one statement. */
const BATCH = 4_000_000
/** Made anew from what is kept. */
const LEFT_OUT = ['schema_migrations', 'message_words', 'search_states']

/** Another backup is being made. */
export class BackupRunning extends Error {}
/** It is damaged, cut off, or of something else. */
export class BackupUnusable extends Error {}
/** There are people in the database that a backup is to be read into. */
export class DatabaseNotEmpty extends Error {}

/**
 * Lines of all tables as they stand at one moment; people go on working meanwhile. `url` has to name a role that row-level security does not hold,
 * or Postgres refuses. Throws `BackupRunning`, and what Postgres throws.
 */
export async function* dumpDatabase(url: string): AsyncGenerator<string, void, void> {
  const client = await connect(url)
  try {
    const locked = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [BACKUP_LOCK])
    if (!locked.rows[0]!.got) throw new BackupRunning()
    await client.query('begin isolation level repeatable read read only')
    const { rows: applied } = await client.query<{ name: string }>('select name from schema_migrations order by name')
    yield line({ fusion: 1, migrations: applied.map(({ name }) => name) })
    let count = 0
    for (const { name, columns } of await tablesOf(client)) {
      yield line({ table: name, columns })
      const texts = columns.map(column => `${client.escapeIdentifier(column)}::text`).join(', ')
      await client.query(`declare dumped no scroll cursor for select json_build_array(${texts})::text as row from ${name}`)
      for (;;) {
        const { rows } = await client.query<{ row: string }>(`fetch ${FETCH} from dumped`)
        count += rows.length
        if (rows.length > 0) yield rows.map(({ row }) => `${row}\n`).join('')
        if (rows.length < FETCH) break
      }
      await client.query('close dumped')
    }
    yield line({ rows: count })
  } finally {
    await client.end()
  }
}

/**
 * Reads a backup into a database without people: all of it, or nothing. It is brought to the schema that the backup was made of, and after it to
 * the newest. Throws `DatabaseNotEmpty`, `BackupUnusable`, `DatabaseNewer`, and what Postgres throws.
 */
export async function loadDatabase(url: string, lines: AsyncIterable<string>): Promise<{ rows: number }> {
  const reader = lines[Symbol.asyncIterator]()
  const first = read((await reader.next()).value)
  if (!first || Array.isArray(first) || !('fusion' in first)) throw new BackupUnusable('it does not begin as a backup does')
  await refuseWherePeopleAre(url)
  await migrate(url, { only: first.migrations })
  const client = await connect(url)
  try {
    await client.query('begin')
    const tables = await tablesOf(client)
    // What a migration began a table with stands in the backup as well.
    for (const { name } of tables.toReversed()) {
      const { rows } = await client.query(`select 1 from ${name} limit 1`)
      if (rows.length > 0) await client.query(`delete from ${name}`)
    }
    const rows = await writeRows(client, reader, new Map(tables.map(table => [table.name, table])))
    await client.query('commit')
    await client.end()
    await migrate(url)
    return { rows }
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

async function writeRows(client: Client, reader: AsyncIterator<string>, known: ReadonlyMap<string, Table>): Promise<number> {
  let into: { table: Table; columns: string[] } | undefined
  let waiting: (string | null)[][] = []
  let length = 0
  let count = 0
  async function write(): Promise<void> {
    if (!into || waiting.length === 0) return
    const { table, columns } = into
    const names = columns.map(name => client.escapeIdentifier(name)).join(', ')
    const values = columns.map((name, index) => `c${index}::${table.types[table.columns.indexOf(name)]!}`).join(', ')
    const arrays = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
    const aliases = columns.map((_, index) => `c${index}`).join(', ')
    await client.query(
      `insert into ${table.name} (${names}) select ${values} from unnest(${arrays}) as made(${aliases})`,
      columns.map((_, index) => waiting.map(row => row[index] ?? null)),
    )
    waiting = []
    length = 0
  }
  for (;;) {
    const { value, done } = await reader.next()
    if (done) throw new BackupUnusable('its end is missing')
    const told = read(value)
    if (Array.isArray(told)) {
      if (!into || told.length !== into.columns.length) throw new BackupUnusable('a row is of no table')
      waiting.push(told as (string | null)[])
      count += 1
      length += value.length
      if (length > BATCH) await write()
    } else if (told && 'table' in told) {
      await write()
      const table = known.get(told.table)
      if (!table || told.columns.some(name => !table.columns.includes(name))) throw new BackupUnusable('it has a table that is not known')
      into = { table, columns: told.columns }
    } else if (told && 'rows' in told) {
      await write()
      if (told.rows !== count) throw new BackupUnusable('rows are missing')
      return count
    } else throw new BackupUnusable('it is damaged')
  }
}

async function refuseWherePeopleAre(url: string): Promise<void> {
  const client = await connect(url)
  try {
    const { rows } = await client.query<{ there: boolean }>(`select to_regclass('public.users') is not null as there`)
    if (!rows[0]!.there) return
    if ((await client.query('select 1 from users limit 1')).rows.length > 0) throw new DatabaseNotEmpty()
  } finally {
    await client.end()
  }
}

interface Table {
  name: string
  columns: string[]
  /** Of each column. */
  types: string[]
}

/** Each after those that it refers to. What is a part of another is told with it. */
async function tablesOf(client: Client): Promise<Table[]> {
  const { rows } = await client.query<Table & { needs: string[] }>(
    `select c.relname as name,
       (select json_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as types,
       (select json_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select coalesce(json_agg(f.confrelid::regclass::text), '[]') from pg_constraint f
         where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as needs
     from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all ($1)
     order by c.relname`,
    [LEFT_OUT],
  )
  const sorted: typeof rows = []
  while (sorted.length < rows.length) {
    const next = rows.filter(one => !sorted.includes(one) && one.needs.every(name => sorted.some(done => done.name === name)))
    if (next.length === 0) throw new Error('tables refer to each other in a circle')
    sorted.push(...next)
  }
  return sorted
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'fusion-backup' })
  await client.connect()
  // Rather than leave out what a policy hides, Postgres refuses.
  await client.query(
    `set row_security = off; set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; set extra_float_digits = 1`,
  )
  return client
}

const line = (told: Line) => `${JSON.stringify(told)}\n`

function read(text: unknown): Line | unknown[] | undefined {
  try {
    return JSON.parse(text as string) as Line | unknown[]
  } catch {
    return undefined
  }
}
