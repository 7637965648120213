import Database, { type Statement } from 'better-sqlite3'
import { closeSync, copyFileSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '@fusion/shared/contract/ids.ts'
import { setUp, type Sqlite } from './connection.ts'
import { migrate } from './migrate.ts'
import { isReached, readLeaves } from './read-leaves.ts'
import { removeCopy, snapshotFolder, stamp } from './snapshots.ts'
import { isDamage } from './sqlite-failure.ts'

const PAGE = 4096
/** Tables whose rows are brought over, those that others point to first. */
const TABLES = [
  'meta',
  'folder',
  'conv',
  'msg',
  'growth',
  'draft',
  'attachment',
  'msg_attachment',
  'draft_attachment',
  'setting',
  'model',
  'state',
  'api_key',
  'notice',
  'sync',
  'outbox',
  'stage',
  'kept',
  'aside',
]

/**
 * Sets a damaged database aside, in the data folder's snapshots, and puts a new one in its place with every row that can be read.
 * Returns the name of the file set aside. After a crash in the middle, the next call begins again.
 */
export function salvage(file: string, folder: string, nowMs: number): string {
  const fresh = `${file}.new`
  const work = `${file}.salvage`
  removeCopy(fresh)
  removeCopy(work)
  mkdirSync(snapshotFolder(folder), { recursive: true, mode: 0o700 })
  const target = new Database(fresh)
  try {
    setUp(target)
    migrate(target, () => {})
    target.pragma('wal_checkpoint(truncate)')
    const schema = schemaPages(target, fresh)
    // SQLite writes into a database with a WAL even to read it: the damaged file stays as it was found.
    copyFileSync(file, work)
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${work}-wal`)
    bringOver(work, schema, target, nowMs)
    target.pragma('wal_checkpoint(truncate)')
  } finally {
    target.close()
    removeCopy(work)
  }
  const aside = join(snapshotFolder(folder), `damaged-${stamp(nowMs)}.db`)
  for (const end of ['-wal', '']) if (existsSync(file + end)) renameSync(file + end, aside + end)
  rmSync(`${file}-shm`, { force: true })
  renameSync(fresh, file)
  return aside
}

function bringOver(work: string, schema: readonly Page[], target: Sqlite, nowMs: number): void {
  target.pragma('foreign_keys = off')
  let source = openDamaged(work)
  if (!source) {
    putSchema(work, schema)
    source = openDamaged(work)
  }
  if (!source) return
  try {
    for (const table of TABLES) bringTable(source, target, table)
  } finally {
    source.close()
  }
  // A chat whose own row is lost: its messages are not.
  target
    .prepare<[], { key: number; head: string; at: number }>(
      // SQLite takes the other columns from the row with the largest seq: the newest.
      `select max(seq), conv as key, id as head, created_at as at from msg where conv not in (select key from conv) group by conv`,
    )
    .all()
    .forEach(({ key, head, at }) =>
      target
        .prepare('insert into conv (key, id, title, head, created_at, updated_at) values (?, ?, ?, ?, ?, ?)')
        .run(key, newId(nowMs), 'Recovered chat', head, at, at),
    )
  target.exec(`
    delete from growth where msg not in (select seq from msg);
    delete from msg_attachment where msg not in (select seq from msg);
    delete from draft_attachment where conversation_id not in (select conversation_id from draft);
    delete from meta where name like 'search-%';
  `)
}

function openDamaged(file: string): Sqlite | undefined {
  const source = new Database(file)
  try {
    // A schema of which a part is damaged is used as far as it goes.
    source.unsafeMode(true)
    source.pragma('writable_schema = on')
    // With a wrong encoding in the header, all names are read as nonsense.
    if (source.prepare(`select 1 from sqlite_schema where name = 'msg'`).get()) return source
    source.close()
    return undefined
  } catch (error) {
    source.close()
    if (isDamage(error)) return undefined
    throw error
  }
}

interface Page {
  number: number
  bytes: Buffer
}

/** The pages that name all tables and where they begin; the first of the file is always among them. */
function schemaPages(sqlite: Sqlite, file: string): Page[] {
  const bytes = readFileSync(file)
  const numbers = sqlite.prepare<[], number>(`select pageno from dbstat where name = 'sqlite_schema'`).pluck().all()
  return numbers.map(number => ({ number, bytes: bytes.subarray((number - 1) * PAGE, number * PAGE) }))
}

/**
 * The tables of two databases made by the same migrations begin at the same pages, so the schema of a new one opens a database whose own
 * is lost.
 */
function putSchema(file: string, schema: readonly Page[]): void {
  const handle = openSync(file, 'r+')
  try {
    const pages = Math.floor(fstatSync(handle).size / PAGE)
    for (const { number, bytes } of schema) {
      const page = Buffer.from(bytes)
      if (number === 1) {
        page.writeUInt32BE(pages, 28) // size in pages
        page.writeUInt32BE(page.readUInt32BE(24), 92) // the size is valid for this change counter
        page.writeUInt32BE(0, 32) // no free pages
        page.writeUInt32BE(0, 36)
      }
      writeSync(handle, page, 0, PAGE, (number - 1) * PAGE)
    }
  } finally {
    closeSync(handle)
  }
}

function bringTable(source: Sqlite, target: Sqlite, table: string): void {
  const columns = (target.pragma(`table_info(${table})`) as { name: string; pk: number }[]).map(column => column.name)
  let has: Set<string>
  try {
    has = new Set((source.pragma(`table_info(${table})`) as { name: string }[]).map(column => column.name))
  } catch {
    return
  }
  const shared = columns.filter(column => has.has(column))
  if (shared.length === 0) return
  const insert = target.prepare(`insert or ignore into ${table} (${shared.join(', ')}) values (${shared.map(() => '?').join(', ')})`)
  const keep = (row: unknown[]) => {
    try {
      insert.run(...row)
    } catch {
      // A row whose values are not of their columns' kinds is damage too.
    }
  }
  const isRowid = target.prepare<[string], number>('select wr from pragma_table_list where name = ?').pluck().get(table) === 0
  target.transaction(() => {
    if (isRowid) {
      readRows(source, table, shared, keep)
      readByIndexes(source, target, table, shared, keep)
      if (table === 'msg' && !isReached(source, table)) readLeaves(source, table, shared, keep)
    } else readBothWays(source, table, shared, keep)
  })()
}

/** All rows that can be reached, past damaged pages: what cannot be read in one go is read in halves. */
function readRows(source: Sqlite, table: string, columns: string[], keep: (row: unknown[]) => void): void {
  const select = (order: string) =>
    source
      .prepare<[number, number], unknown[]>(
        `select rowid, ${columns.join(', ')} from ${table} not indexed where rowid between ? and ? order by rowid ${order}`,
      )
      .raw()
  const [up, down] = [select('asc'), select('desc')]
  /** Reads one way as far as it goes; returns the last row read, undefined when it came through. */
  const read = (from: number, to: number, statement: typeof up): number | undefined => {
    let last = statement === up ? from - 1 : to + 1
    try {
      for (const [rowid, ...row] of statement.iterate(from, to)) {
        keep(row)
        last = rowid as number
      }
      return undefined
    } catch (error) {
      if (!isDamage(error)) throw error
      return last
    }
  }
  const stretches: [number, number][] = [[-1, Number.MAX_SAFE_INTEGER]]
  // The widest first. One damaged page is passed in the first two readings; 5,000 find the good pages between a thousand bad ones.
  for (let count = 0; count < 5000; count++) {
    const stretch = stretches.shift()
    if (!stretch) return
    const [from, to] = stretch
    if (from > to) continue
    const lower = read(from, to, up)
    if (lower === undefined) continue
    const upper = read(lower + 1, to, down)
    if (upper === undefined || upper - lower <= 2) continue
    const middle = Math.floor((lower + upper) / 2)
    stretches.push([lower + 1, middle], [middle + 1, upper - 1])
  }
}

/** Rows under a damaged inner page that no walk over the table reaches: the indexes still know their numbers. */
function readByIndexes(source: Sqlite, target: Sqlite, table: string, columns: string[], keep: (row: unknown[]) => void): void {
  const [key] = (target.pragma(`table_info(${table})`) as { name: string; pk: number }[]).filter(column => column.pk > 0)
  const isThere = key && target.prepare<[number]>(`select 1 from ${table} where ${key.name} = ?`)
  const indexes = target
    .prepare<[string], string>(`select name from pragma_index_list(?) where partial = 0 and origin = 'c'`)
    .pluck()
    .all(table)
  for (const index of indexes) {
    for (const order of ['asc', 'desc']) {
      try {
        const first = target.prepare<[string], string>('select name from pragma_index_info(?) where seqno = 0').pluck().get(index)!
        const select = source.prepare<[number], unknown[]>(`select ${columns.join(', ')} from ${table} not indexed where rowid = ?`).raw()
        const rowids = source.prepare<[], number>(`select rowid from ${table} indexed by ${index} order by ${first} ${order}`).pluck()
        for (const rowid of rowids.iterate()) if (!isThere?.get(rowid)) keepOne(select, rowid, keep)
        break
      } catch {
        // The index is damaged as well: the other way round, or the next one.
      }
    }
  }
}

function keepOne(select: Statement<[number], unknown[]>, rowid: number, keep: (row: unknown[]) => void): void {
  try {
    const row = select.get(rowid)
    if (row) keep(row)
  } catch (error) {
    if (!isDamage(error)) throw error
  }
}

function readBothWays(source: Sqlite, table: string, columns: string[], keep: (row: unknown[]) => void): void {
  const key = columns[0]!
  for (const order of ['asc', 'desc']) {
    try {
      const rows = source.prepare<[], unknown[]>(`select ${columns.join(', ')} from ${table} order by ${key} ${order}`).raw()
      for (const row of rows.iterate()) keep(row)
      return
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }
}
