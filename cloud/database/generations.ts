// Answers that are made or were made within the last day, and their events.
import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { Database, Queryable } from './connection.ts'

export interface GenerationRow {
  id: string
  conversationId: string
  model: string
  status: 'running' | 'complete' | 'stopped' | 'failed'
  /** Of the newest event that is written here. */
  seq: number
  /** The server that makes it. */
  owner: string | null
}

export interface NewGeneration {
  userId: string
  id: string
  conversationId: string
  parentId: string | null
  questionId: string
  requestHash: Buffer
  model: string
  leaseSeconds: number
  /** The server that makes it. */
  owner: string
  /** It is to be written to its conversation as well. */
  answerDue: boolean
}

const columns = 'id, conversation_id as "conversationId", model, status, seq, owner'

/** Puts a running generation there. False where its id is taken. */
export async function beginGeneration(tx: Queryable, generation: NewGeneration): Promise<boolean> {
  const { userId, id, conversationId, parentId, questionId, requestHash, model, leaseSeconds, owner, answerDue } = generation
  const rows = await tx.query(
    `insert into generations (user_id, id, conversation_id, parent_id, question_id, request_hash, model, answer_due, owner, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, $9, $10, now() + make_interval(secs => $8))
     on conflict do nothing returning id`,
    [userId, id, conversationId, parentId, questionId, requestHash, model, leaseSeconds, answerDue, owner],
  )
  return rows.length > 0
}

/** undefined where this user has none of that id. */
export async function findGeneration(tx: Queryable, id: string): Promise<(GenerationRow & { requestHash: Buffer }) | undefined> {
  const [row] = await tx.query<GenerationRow & { requestHash: Buffer }>(
    `select ${columns}, request_hash as "requestHash" from generations where id = $1 and user_id = fusion_user()`,
    [id],
  )
  return row
}

/** Appends events, the first of which has the seq `firstSeq`; `end` with the last ones. Throws where it is not (any more) its owner's. */
export async function appendEvents(
  tx: Queryable,
  {
    userId,
    id,
    owner,
    firstSeq,
    events,
    end,
  }: {
    userId: string
    id: string
    owner: string
    firstSeq: number
    events: readonly GenerationEvent[]
    end?: GenerationRow['status'] | undefined
  },
): Promise<void> {
  const lastSeq = firstSeq + events.length - 1
  const rows = await tx.query(
    `update generations set seq = $3, status = coalesce($4, status) where user_id = $1 and id = $2 and status = 'running' and seq = $5 and owner = $6 returning id`,
    [userId, id, lastSeq, end ?? null, firstSeq - 1, owner],
  )
  if (rows.length === 0) throw new Error('this generation is of another server now')
  await tx.query('insert into generation_events values ($1, $2, $3, $4, $5)', [userId, id, firstSeq, lastSeq, JSON.stringify(events)])
}

/** The events after `after`, in order, each with its seq: some hundred at a time. */
export async function readEvents(tx: Queryable, id: string, after: number): Promise<{ seq: number; event: GenerationEvent }[]> {
  const rows = await tx.query<{ first_seq: number; events: GenerationEvent[] }>(
    `select first_seq, events from generation_events
     where user_id = fusion_user() and generation_id = $1 and last_seq > $2 order by first_seq limit 20`,
    [id, after],
  )
  return rows.flatMap(row => row.events.map((event, index) => ({ seq: row.first_seq + index, event }))).filter(({ seq }) => seq > after)
}

/** Wishes that it be stopped; whichever server makes it sees that. */
export async function requestCancel(tx: Queryable, id: string): Promise<void> {
  await tx.query(`update generations set cancel_requested = true where user_id = fusion_user() and id = $1 and status = 'running'`, [id])
}

export interface GenerationKey {
  userId: string
  id: string
}

/** Renews the leases of these generations, and tells which of them were cancelled. */
export async function tendGenerations(
  database: Database,
  running: readonly GenerationKey[],
  { leaseSeconds, owner }: { leaseSeconds: number; owner: string },
): Promise<GenerationKey[]> {
  const rows = await database.query<{ cancelled: [string, string] | null }>('select tend_generations($1, $2, $3, $4) as cancelled', [
    running.map(({ userId }) => userId),
    running.map(({ id }) => id),
    leaseSeconds,
    owner,
  ])
  return rows.flatMap(({ cancelled }) => (cancelled ? [{ userId: cancelled[0], id: cancelled[1] }] : []))
}

export interface Orphan extends GenerationKey {
  /** Of the newest event that is written here. */
  seq: number
  model: string
  cancelRequested: boolean
}

/** Takes some of what dead servers left: it is this owner's from now on, to go on with or to close. */
export async function takeOrphans(database: Database, { leaseSeconds, owner }: { leaseSeconds: number; owner: string }): Promise<Orphan[]> {
  return database.query<Orphan>(
    'select user_id as "userId", id, seq, model, cancel_requested as "cancelRequested" from take_orphans($1, $2)',
    [owner, leaseSeconds],
  )
}

/** How far clients may have seen events that were never written here. */
const UNWRITTEN = 1000

/**
 * Closes one that can't be gone on with: this last event stands behind any that clients may have seen, so that it is new to all of them. Returns when it
 * began; undefined where it is not (any more) its owner's.
 */
export async function closeOrphan(
  tx: Queryable,
  { userId, id }: GenerationKey,
  owner: string,
  failed: GenerationEvent,
): Promise<Date | undefined> {
  const [row] = await tx.query<{ seq: number; beganAt: Date }>(
    `update generations set status = 'failed', seq = seq + $4 where user_id = $1 and id = $2 and owner = $3 and status = 'running'
     returning seq, created_at as "beganAt"`,
    [userId, id, owner, UNWRITTEN],
  )
  if (row) await tx.query('insert into generation_events values ($1, $2, $3, $3, $4)', [userId, id, row.seq, JSON.stringify([failed])])
  return row?.beganAt
}

export interface DueAnswer {
  conversationId: string
  questionId: string
  model: string
  createdAt: Date
}

/** What the message of an answer is made of beside its events; undefined where there is none to be written (any more). */
export async function takeDueAnswer(tx: Queryable, id: string): Promise<DueAnswer | undefined> {
  const [due] = await tx.query<DueAnswer>(
    `update generations set answer_due = false where user_id = fusion_user() and id = $1 and answer_due
     returning conversation_id as "conversationId", question_id as "questionId", model, created_at as "createdAt"`,
    [id],
  )
  return due
}

/** Answers that have ended and are to be written to their conversations. */
export async function listDueAnswers(database: Database): Promise<GenerationKey[]> {
  return database.query<GenerationKey>('select user_id as "userId", id from due_answers()')
}

export async function forgetGenerations(database: Database): Promise<void> {
  await database.query('select forget_generations()')
}
