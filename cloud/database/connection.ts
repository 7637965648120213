import type { Duplex } from 'node:stream'
import { Pool, type PoolClient, type QueryConfig, type QueryResultRow, types } from 'pg'

// 64-bit integers come as numbers: what is kept in them (times in ms, tokens, versions below 2^53) fits, and a larger one is a fault to see.
types.setTypeParser(types.builtins.INT8, text => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer of the database is above 2^53')
  return value
})

/** What a query of this folder is asked through: one transaction, or the pool. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /**
   * The same, for what most requests ask: each connection has it parsed once. Planned once as well, so the text has to want the same plan
   * whatever its values are.
   */
  prepared<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]>
}

export interface Database extends Queryable {
  /** One transaction over tables that belong to no single user. Rolled back when `work` throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  /** One transaction as this user: row-level security shows and takes only rows of theirs. */
  asUser<T>(userId: string, work: (tx: Queryable) => Promise<T>): Promise<T>
  /** The same for reading alone, in one round trip: `work` asks all of its queries at once, before it waits for any. */
  readAsUser<T>(userId: string, work: (tx: Queryable) => Promise<T>): Promise<T>
  /** Connections: open, idle, and requests that wait for one. */
  pool(): { total: number; idle: number; waiting: number }
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A `postgres://` address, with the password in it. */
  url: string
  connections?: number
  /** Told when a connection that nobody used was lost: the pool opens another. */
  onLost?: (error: Error) => void
}

/** The role that answers requests: no superuser, no bypass of row-level security, owner of nothing. */
export const APP_ROLE = 'fusion_app'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** A request waits for a connection at most this long; then it is told that the database can't be reached. */
const CONNECT_MS = 5_000
/** Nothing that answers a request runs longer. */
const STATEMENT_MS = 15_000

/** Opens nothing yet: the first query does. All of its connections work as `fusion_app`, whoever the address names. */
export function openDatabase({ url, connections = 20, onLost = () => {} }: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    options: `-c role=${APP_ROLE}`,
    application_name: 'fusion-cloud',
    // A transaction sends what does not depend on an answer before that answer is there.
    pipeline: true,
  })
  let closed = false
  // Of a connection in use the pool hears nothing, and without anybody who does Node would end the server. Its queries tell what happened.
  pool.on('connect', client => client.on('error', () => {}))
  pool.on('error', error => {
    // A server that ends right after us may still tell a connection so that is about to close.
    if (!closed) onLost(error)
  })

  /** `ahead`: what `work` asks is sent together with `begin`. */
  async function inTransaction<T>(
    begin: string,
    work: (tx: Queryable) => Promise<T>,
    { ahead = false }: { ahead?: boolean } = {},
  ): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      const tx = queryable(client)
      const begun = tx.query(begin)
      if (!ahead) await begun
      const [, result] = await Promise.all([begun, work(tx)])
      await tx.query('commit')
      return result
    } catch (error) {
      // A connection that can't roll back is not used again: it would carry this transaction, and this user, to the next request.
      await client.query('rollback').catch((lost: Error) => (broken = lost))
      throw error
    } finally {
      client.release(broken)
    }
  }

  async function inOneTrip<T>(begin: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      const tx = queryable(client)
      let open = true
      const still = () => {
        if (!open) throw new Error('a query of readAsUser came after the end of its transaction')
        return tx
      }
      const begun = tx.query(begin)
      const worked = work({ query: (...asked) => still().query(...asked), prepared: (...asked) => still().prepared(...asked) })
      open = false
      const ended = tx.query('commit')
      // Nobody else gets the connection before the transaction has ended.
      const [, , end] = await Promise.allSettled([begun, worked, ended])
      if (end.status === 'rejected') broken = end.reason as Error
      await begun
      return await worked
    } finally {
      client.release(broken)
    }
  }

  return {
    ...queryable(pool),
    transaction: work => inTransaction('begin', work),
    // The setting ends with the transaction. What is sent after a `begin` that failed is of no user: it sees nothing and may write nothing.
    asUser: async (userId, work) => inTransaction(`begin; ${asThis(userId)}`, work, { ahead: true }),
    readAsUser: async (userId, work) => inOneTrip(`begin read only; ${asThis(userId)}`, work),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close() {
      closed = true
      await pool.end()
    },
  }
}

function asThis(userId: string): string {
  if (!UUID.test(userId)) throw new TypeError('a user id has to be a UUID')
  return `set local fusion.user_id = '${userId}'`
}

function queryable(client: Pool | PoolClient): Queryable {
  async function ask<Row extends QueryResultRow>(query: QueryConfig): Promise<Row[]> {
    if ('connection' in client) gather(client.connection.stream)
    const { rows } = await client.query<Row>(query)
    return rows
  }
  return {
    query: (text, values = []) => ask({ text, values: [...values] }),
    prepared: (text, values) => ask({ name: nameOf(text), text, values: [...values] }),
  }
}

/** All that is asked before anybody waits goes out in one piece: each write to a socket takes as long as the query behind it. */
function gather(stream: Duplex): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}

const names = new Map<string, string>()

/** What a connection knows a text by. Few: they are constants of this folder. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `fusion_${names.size}`
  names.set(text, name)
  return name
}
