import { Pool, type PoolClient, type QueryResultRow, types } from 'pg'

// 64-bit integers come as numbers: what is kept in them (times in ms, tokens, versions below 2^53) fits, and a larger one is a fault to see.
types.setTypeParser(types.builtins.INT8, text => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer of the database is above 2^53')
  return value
})

/** What a query of this folder is asked through: one transaction, or the pool. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

export interface Database extends Queryable {
  /** One transaction over tables that belong to no single user. Rolled back when `work` throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  /** One transaction as this user: row-level security shows and takes only rows of theirs. */
  asUser<T>(userId: string, work: (tx: Queryable) => Promise<T>): Promise<T>
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
  })
  let closed = false
  pool.on('error', error => {
    // A server that ends right after us may still tell a connection so that is about to close.
    if (!closed) onLost(error)
  })

  async function inTransaction<T>(begin: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      await client.query(begin)
      const result = await work(queryable(client))
      await client.query('commit')
      return result
    } catch (error) {
      // A connection that can't roll back is not used again: it would carry this transaction, and this user, to the next request.
      await client.query('rollback').catch((lost: Error) => (broken = lost))
      throw error
    } finally {
      client.release(broken)
    }
  }

  return {
    ...queryable(pool),
    transaction: work => inTransaction('begin', work),
    async asUser(userId, work) {
      if (!UUID.test(userId)) throw new TypeError('a user id has to be a UUID')
      // One round trip. The setting ends with the transaction.
      return inTransaction(`begin; set local fusion.user_id = '${userId}'`, work)
    },
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close() {
      closed = true
      await pool.end()
    },
  }
}

function queryable(client: Pool | PoolClient): Queryable {
  return {
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const { rows } = await client.query<Row>(text, [...values])
      return rows
    },
  }
}
