// Rows of the usage ledger on their way to the database. Nobody waits for it: while it is away they are kept here, and written when it is back.
import { setTimeout as delay } from 'node:timers/promises'
import { addUsage, type UsageRow } from '../../database/usage.ts'
import type { Database } from '../../database/connection.ts'

export interface LedgerOptions {
  database: Pick<Database, 'asUser'>
  /** Told how many rows are lost: there were too many, the database takes them never (`code` is its own), or the server ended without it. */
  onLost: (rows: number, code?: string) => void
  /** Told once for each time that the database is away. */
  onAway?: () => void
  /** Rows that are kept, at most. */
  most?: number
}

export type Ledger = ReturnType<typeof createLedger>

/** An answer each second for three hours. */
const MOST = 10_000
/** In one transaction, of one person. */
const BATCH = 200
/**
 * Rows of so long go together: a transaction takes more of this process's time than all else of a short answer (1 ms of 3.5). One that is killed loses
 * the rows of that time, as it loses those of all answers that were under way.
 */
const GATHER_MS = 50
/** Persons whose rows are written at once. */
const LANES = 4
const AGAIN_MS = 1_000
/** The server waits so long for the database at its end. */
const LAST_MS = 5_000

export function createLedger({ database, onLost, onAway = () => {}, most = MOST }: LedgerOptions) {
  const waiting = new Set<UsageRow>()
  let writing: Promise<void> | undefined
  let away = false
  const closing = new AbortController()
  const hurry = new AbortController()

  async function write(): Promise<void> {
    while (waiting.size > 0 && !hurry.signal.aborted) {
      if (waiting.size < BATCH) await pause(GATHER_MS, closing.signal)
      const batches = inBatches(waiting).values()
      const lanes = await Promise.allSettled(Array.from({ length: LANES }, () => writeAll(batches)))
      if (lanes.every(({ status }) => status === 'fulfilled')) {
        away = false
        continue
      }
      if (!away) onAway()
      away = true
      if (closing.signal.aborted) await pause(AGAIN_MS / 10, hurry.signal)
      else await pause(AGAIN_MS, closing.signal)
    }
  }

  async function writeAll(batches: Iterable<UsageRow[]>): Promise<void> {
    for (const rows of batches) {
      await put(rows)
      for (const row of rows) waiting.delete(row)
    }
  }

  /** Where the database will never take one of them, the others are written without it. */
  async function put(rows: readonly UsageRow[]): Promise<void> {
    try {
      await database.asUser(rows[0]!.userId, tx => addUsage(tx, rows))
    } catch (error) {
      if (!isOfTheRows(error)) throw error
      if (rows.length === 1) onLost(1, codeOf(error))
      else for (const row of rows) await put([row])
    }
  }

  function go(): void {
    writing ??= write().finally(() => {
      writing = undefined
      // One that came while the loop was ending.
      if (waiting.size > 0 && !hurry.signal.aborted) go()
    })
  }

  return {
    /** Never throws, and never waits. The row may be told again: it is written once. */
    add(row: UsageRow): void {
      waiting.add(row)
      if (waiting.size > most) {
        waiting.delete(waiting.values().next().value!)
        onLost(1)
      }
      go()
    },
    waiting: () => waiting.size,
    /** Writes what there is; what the database does not take within some seconds is lost, and told. */
    async close(): Promise<void> {
      closing.abort()
      const tooLong = setTimeout(() => hurry.abort(), LAST_MS)
      for (let current = writing; current && !hurry.signal.aborted; current = writing) await Promise.race([current, aborted(hurry.signal)])
      clearTimeout(tooLong)
      hurry.abort()
      if (waiting.size > 0) onLost(waiting.size)
    },
  }
}

/** Each of one person, the oldest first. */
function inBatches(rows: Iterable<UsageRow>): UsageRow[][] {
  const ofPersons = [...Map.groupBy(rows, ({ userId }) => userId).values()]
  return ofPersons.flatMap(all => Array.from({ length: Math.ceil(all.length / BATCH) }, (_, at) => all.slice(at * BATCH, (at + 1) * BATCH)))
}

/** Postgres refuses these values themselves (classes 22 and 23): they would be refused again. */
function isOfTheRows(error: unknown): boolean {
  return error instanceof Error && /^2[23]/.test(codeOf(error))
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''

const aborted = (signal: AbortSignal) => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

/** Ends early where `signal` does. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined)
