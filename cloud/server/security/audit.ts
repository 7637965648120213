import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AuditEventName } from '@fusion/shared/contract/cloud/security.ts'
import { appendAuditRow, type AuditRow, findAuditHead, listAuditRowsAfter, takeAuditSeq } from '../../database/audit.ts'
import type { Database, Queryable } from '../../database/connection.ts'
import { deriveKey } from '../auth/secret-key.ts'
import type { Clock } from '../clock.ts'

export interface AuditEvent {
  event: AuditEventName
  /** Null: of no organisation, such as a sign-in with an address that nobody has. */
  organisationId: string | null
  /** Who did it, where that is known. */
  actorId?: string | null
  /** To whom or what: an id. */
  subjectId?: string | null
  /** Network address of whoever did it. */
  address?: string | null
  /** Names of roles, reasons, numbers. Never what people wrote. */
  detail?: Record<string, string | number | boolean | null>
}

/** `missing`: a link is not there; `changed`: it, or one before it, is not what was written; `unknown`: it came after the newest. */
export interface BrokenLink {
  seq: number
  why: 'missing' | 'changed' | 'unknown'
}

export interface Verification {
  /** Links that are whole. */
  events: number
  broken: BrokenLink | null
  head: { seq: number; hash: string } | null
}

export interface ChainCheck {
  /** True where it is not what was written, or does not follow the one before. */
  next(row: AuditRow): boolean
  result(): Pick<Verification, 'events' | 'broken'>
}

export interface Audit {
  /** Adds it to the organisation's chain. `tx`: in this transaction, so that what happened and that it happened are kept together. */
  write(event: AuditEvent, tx?: Queryable): Promise<void>
  /** Checks the links of a chain as they are handed to it, from the first on. */
  checkChain(organisationId: string): ChainCheck
  /** Goes through the whole chain, to the first broken link. */
  verify(organisationId: string): Promise<Verification>
}

/** The chain of what belongs to no organisation. */
export const NO_ORGANISATION = '00000000-0000-0000-0000-000000000000'

const PAGE = 1000

/**
 * Each link is a MAC over what happened and the link before it, by a key that is not in the database: whoever can write to the database
 * alone can't change, leave out or put in anything without being seen.
 */
export function createAudit({ database, secretKey, clock }: { database: Database; secretKey: Buffer; clock: Clock }): Audit {
  const key = deriveKey(secretKey, 'audit log')

  async function append(tx: Queryable, happened: AuditEvent): Promise<void> {
    const { event, actorId = null, subjectId = null, address = null, detail = {} } = happened
    const organisationId = happened.organisationId ?? NO_ORGANISATION
    const { seq, previous } = await takeAuditSeq(tx, organisationId)
    // The time is taken with the number, so that both go the same way.
    const row = { organisationId, seq, at: new Date(clock()), event, actorId, subjectId, address, detail }
    await appendAuditRow(tx, { ...row, hash: linkHash(key, row, previous) })
  }

  return {
    write: (event, tx) => (tx ? append(tx, event) : database.transaction(own => append(own, event))),

    checkChain,

    async verify(organisationId) {
      // The head is read first: what is added meanwhile comes after it.
      const newest = await findAuditHead(database, organisationId)
      const head = newest ? { seq: newest.seq, hash: newest.hash.toString('hex') } : null
      const check = checkChain(organisationId)
      for (let seq = 0; ;) {
        const rows = await listAuditRowsAfter(database, organisationId, seq, PAGE)
        for (const row of rows) {
          if (check.next(row)) return { ...check.result(), head }
          if (row.seq === newest?.seq && !same(row.hash, newest.hash))
            return { events: seq, broken: { seq: row.seq, why: 'changed' }, head }
          seq = row.seq
        }
        if (rows.length === PAGE) continue
        if (newest && seq < newest.seq) return { events: seq, broken: { seq: seq + 1, why: 'missing' }, head }
        if (!newest && seq > 0) return { events: seq, broken: { seq: 1, why: 'unknown' }, head }
        return { events: seq, broken: null, head }
      }
    },
  }

  function checkChain(organisationId: string): ChainCheck {
    let previous: Buffer = Buffer.alloc(0)
    let seq = 0
    let broken: BrokenLink | null = null
    return {
      next(row) {
        if (row.seq !== seq + 1) broken = { seq: seq + 1, why: 'missing' }
        else if (!same(row.hash, linkHash(key, { ...row, organisationId }, previous))) broken = { seq: row.seq, why: 'changed' }
        else {
          previous = row.hash
          seq = row.seq
        }
        return broken !== null
      },
      result: () => ({ events: seq, broken }),
    }
  }
}

function linkHash(key: Buffer, row: Omit<AuditRow, 'hash'>, previous: Buffer): Buffer {
  const { organisationId, seq, at, event, actorId, subjectId, address, detail } = row
  // Postgres keeps the entries of a JSON object in an order of its own.
  const entries = Object.entries(detail).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const text = JSON.stringify([organisationId, seq, at.getTime(), event, actorId, subjectId, address, entries])
  return createHmac('sha256', key).update(previous).update(text).digest()
}

const same = (one: Buffer, other: Buffer) => one.length === other.length && timingSafeEqual(one, other)
