import type { Database } from '../../database/connection.ts'
import { inSpan } from './trace.ts'

const client = { kind: 'client', attributes: { 'db.system.name': 'postgresql' } } as const

/** The same database; each transaction, and each query outside of one, is a step of the trace of its request. No text of a query is told. */
export function traceDatabase(database: Database): Database {
  return {
    ...database,
    query: (text, values) => inSpan('database query', client, () => database.query(text, values)),
    transaction: work => inSpan('database transaction', client, () => database.transaction(work)),
    prepared: (text, values) => inSpan('database query', client, () => database.prepared(text, values)),
    readAsUser: (userId, work) => inSpan('database transaction', client, () => database.readAsUser(userId, work)),
    asUser: (userId, work) => inSpan('database transaction', client, () => database.asUser(userId, work)),
  }
}
