// The answers that this server makes. Each runs apart from whoever asked for it: connections come and go, and read its events.
import { createHash, randomUUID } from 'node:crypto'
import type { ChatRequest, GenerationEvent, GenerationState } from '@fusion/shared/contract/cloud/chat.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Database } from '../../database/connection.ts'
import {
  appendEvents,
  beginGeneration,
  closeOrphan,
  findGeneration,
  forgetGenerations,
  type GenerationKey,
  type GenerationRow,
  listDueAnswers,
  type Orphan,
  readEvents,
  requestCancel,
  takeOrphans,
  tendGenerations,
} from '../../database/generations.ts'
import { findUser } from '../../database/users.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { Models } from '../inference/models.ts'
import { LONGEST_ANSWER_MS } from '../inference/patience.ts'
import type { Record } from '../inference/record.ts'
import { noUsage } from '../inference/told-usage.ts'
import type { Patience } from '../inference/token-patience.ts'
import type { EventTail, Handover, SeenEvent, TailEntry } from './event-tail.ts'
import { keepAnswer, keepQuestion, keepWrittenAnswer, readAllEvents } from './keep-turn.ts'
import { createLiveLog, isLast, type LiveLog } from './live-log.ts'
import { type AnswerRequest, CANCELLED, makeAnswer } from './make-answer.ts'
import { readEntries } from './read-entries.ts'

export interface GenerationsOptions {
  database: Database
  models: Models
  clock: Clock
  patience: Patience
  /** What is wrong and nobody asked about: a generation that can't be written down. */
  onTrouble: (what: string) => void
  record: Record
  /** Where there is one, other servers show what is made here sooner. */
  tail?: EventTail | undefined
}

type Known = NonNullable<Awaited<ReturnType<EventTail['takeOver']>>>
type Plan = (caller: Caller, request: ChatRequest) => Promise<AnswerRequest>

export type Generations = ReturnType<typeof createGenerations>

/** Explicit cancels are seen within this time, wherever the generation runs. */
const TEND_MS = 400
/** After so long another server takes an answer over. */
const LEASE_SECONDS = 6
/** What was made is written down so often: what a killed server can lose. */
const WRITE_MS = 500
const WRITE_EVENTS = 500
const SWEEP_MS = 1_000
/** What is held back until it is written down is looked after so often. */
const HELD_MS = 10
/** Answers that are due and those to be forgotten are seen to once in so many sweeps. */
const TIDY_EVERY = 5
/** The end of an answer is held back for its conversation no longer. */
const KEEP_MS = 5_000
/** One that runs at another server is looked at so often in the database; where servers share a tail, they do as often as it is written to. */
const FOLLOW_MS = 100
const TAIL_MS = 50
/** Kept in memory after its end for followers that are slow; others read the database. */
const LINGER_MS = 30_000

const UNKEPT = 'an answer could not be written to its conversation, it is tried again'

interface Running {
  userId: string
  id: string
  log: LiveLog
  stop: AbortController
  /** Seq up to which it is in the database. */
  written: number
  /** It will not be written down any further. */
  unwritten: boolean
  /** Another server could go on from what the tail has of it. */
  inTail: boolean
  /** Nothing of it is on its way to the tail or the database any more. */
  quiet: Promise<unknown>
  /** Aborts where another server has it: nothing is told of it here any more. */
  elsewhere: AbortController
  done: Promise<void>
}

/** How an answer ends here that another server goes on with. */
const TAKEN_OVER = new Error('taken over')

const keyOf = (userId: string, id: string) => `${userId} ${id}`

export function createGenerations({ database, models, clock, patience, onTrouble, record, tail }: GenerationsOptions) {
  const live = new Map<string, Running>()
  const draining = new AbortController()
  /** Whose answers these are, in the database and in the tail. */
  const owner = randomUUID()
  let plan: Plan | undefined
  let closing = false

  const tending = setInterval(() => void tend(), TEND_MS)
  const sweeping = setInterval(() => void sweep(), SWEEP_MS)
  let tendingNow = false
  let databaseThere = false
  let sweepingNow = false
  let sweeps = 0

  async function tend(): Promise<void> {
    const running = [...live.values()].filter(({ log }) => !log.ended())
    if (tendingNow || running.length === 0) return
    tendingNow = true
    try {
      for (const { userId, id } of await tendGenerations(database, running, { leaseSeconds: LEASE_SECONDS, owner }))
        live.get(keyOf(userId, id))?.stop.abort(CANCELLED)
    } catch {
      // The database is away: leases may run out, and what is made goes on; it is written when it is back.
    } finally {
      tendingNow = false
    }
  }

  /** Takes over what dead servers left. Where the database was away, live ones get the time to renew their leases first. */
  async function sweep(): Promise<void> {
    if (sweepingNow) return
    sweepingNow = true
    try {
      if (databaseThere && !draining.signal.aborted)
        for (const orphan of await takeOrphans(database, { leaseSeconds: LEASE_SECONDS, owner })) await takeOver(orphan)
      if (sweeps++ % TIDY_EVERY === 0) {
        for (const { userId, id } of await listDueAnswers(database))
          await database.asUser(userId, tx => keepWrittenAnswer(tx, userId, id)).catch(() => onTrouble(UNKEPT))
        await forgetGenerations(database)
      }
      databaseThere = true
    } catch {
      databaseThere = false
    } finally {
      sweepingNow = false
    }
  }

  /** Goes on with an answer from what its server had told, or closes it, where that is not known whole. */
  async function takeOver({ userId, id, seq, model, cancelRequested }: Orphan): Promise<void> {
    // It is made here: this process was held up for longer than a lease.
    if (live.has(keyOf(userId, id))) return
    const known = await tail?.takeOver({ userId, id }, owner)
    let why = failure('model-server-lost')
    if (known && plan && known.entries.length >= seq) {
      const { handover, entries } = known
      const { caller, startedAt } = handover
      // It is the model that answered so far, however it was chosen.
      const request = { ...handover.request, model }
      try {
        const answer = await plan(caller, request)
        const running = launch(caller, handover.request, answer, { startedAt, entries, written: seq })
        if (cancelRequested) running.stop.abort(CANCELLED)
        return
      } catch (error) {
        if (error instanceof Failure) why = error
      }
    }
    await close({ userId, id }, model, { why, known })
  }

  /** What was made of it is counted as far as it was told, and stands in the ledger: nobody else will write it there. */
  async function close(
    { userId, id }: GenerationKey,
    model: string,
    { why, known }: { why: unknown; known: Known | undefined },
  ): Promise<void> {
    const closed = await database.asUser(userId, async tx => {
      const { promptTokens, tokenIds, pieces } = readEntries(known?.entries ?? (await readAllEvents(tx, id)))
      const usage = { ...noUsage, promptTokens, completionTokens: Math.max(tokenIds.length, pieces) }
      const failed: GenerationEvent = { type: 'generation-fail', failure: Failure.toBody(why), usage }
      const beganAt = await closeOrphan(tx, { userId, id }, owner, failed)
      const person = await findUser(tx, userId)
      return beganAt && person && { usage, beganAt, organisationId: person.organisationId }
    })
    if (!closed) return
    const { usage, beganAt, organisationId } = closed
    // Which key it was asked with, only its own server knew, and those to which it told that.
    const caller = known?.handover.caller ?? { userId, organisationId, role: 'member', sessionId: null, apiKeyId: null, scopes: [] }
    const startedAt = known?.handover.startedAt ?? beganAt.getTime()
    record({ caller, kind: 'chat', requestId: id, model, usage, server: null, end: 'failed', startedAt })
  }

  /** `before`: what a server that died had told of it, and how much of that is in the database. */
  function launch(
    caller: Caller,
    request: ChatRequest,
    answer: AnswerRequest,
    { startedAt, entries, written }: { startedAt: number; entries: readonly TailEntry[]; written: number },
  ): Running {
    const log = createLiveLog(entries)
    const stop = new AbortController()
    const tooLong = setTimeout(() => stop.abort(failure('answer-too-long')), LONGEST_ANSWER_MS)
    const { userId } = caller
    const id = request.answer
    const elsewhere = new AbortController()
    const nothing = Promise.resolve()
    const running: Running = { userId, id, log, stop, written, unwritten: false, inTail: false, elsewhere, quiet: nothing, done: nothing }
    const key = keyOf(userId, id)
    live.set(key, running)
    const writing = writeDown(running).finally(() => (running.unwritten = true))
    const showing = tail && show(running, tail, entries.length > 0 ? undefined : { caller, request, model: answer.model, startedAt })
    running.quiet = Promise.allSettled([writing, showing])
    const tell = (entry: TailEntry) => {
      log.append(entry)
      if (!showing) log.show(log.count())
    }
    running.done = (async () => {
      const begun = entries.at(-1)
      let last: TailEntry | undefined
      const tellOrHold = (entry: TailEntry) => {
        if (request.prompt || !isLast(entry.event)) tell(entry)
        else last = entry
      }
      const made =
        begun && isLast(begun.event) ? undefined : await makeAnswer({ models, clock, patience }, answer, tellOrHold, stop.signal, entries)
      clearTimeout(tooLong)
      if (elsewhere.signal.aborted) return
      if (last) {
        await endInHistory(running, last.event)
        tell(last)
      }
      await writing
      await showing
      if (elsewhere.signal.aborted) return
      const event = log.read(log.seq() - 1)[0]!
      const { model, reservation } = answer
      const usage = made?.usage ?? ('usage' in event ? event.usage : noUsage)
      const { server = null, retries = 0 } = made ?? {}
      record({ caller, kind: 'chat', requestId: id, model, usage, server, end: endOf(event) ?? 'failed', startedAt, retries, reservation })
    })().finally(() => setTimeout(() => live.get(key) === running && live.delete(key), closing ? 0 : LINGER_MS).unref())
    return running
  }

  /**
   * What was made is seen when it is in the tail, all of one turn of the loop in one trip: whoever has seen an event finds the next ones at any server.
   * Where the tail takes no more, it ends with this process: nobody may go on from what the tail has, once more than that was seen. So the first
   * events beyond it are in the database before they are seen, which shows the tail to be short of them; the others are seen at once.
   */
  async function show(running: Running, to: EventTail, handover: Handover | undefined): Promise<void> {
    const { userId, id, log, elsewhere } = running
    const of = { userId, id }
    let kept = handover ? await to.begin(of, owner, handover).catch(() => false) : true
    running.inTail = kept
    /** So many the tail may have, since it took no more. */
    let lostAt = kept ? undefined : log.seq()
    while (!log.ended() && !elsewhere.signal.aborted) {
      await log.grown(log.seq())
      await new Promise(setImmediate)
      // What ended it here is none of the answer's.
      if (elsewhere.signal.aborted) return
      const [from, upTo] = [log.seq(), log.count()]
      const appended = kept
        ? await to.append(of, owner, from + 1, log.made(from).slice(0, upTo - from)).catch(() => 'none' as const)
        : 'none'
      if (appended === 'taken-over') return loseTo(running)
      kept = appended === 'kept'
      running.inTail = kept
      if (!kept) lostAt ??= upTo
      if (lostAt !== undefined && running.written <= lostAt) await writtenTo(running, upTo)
      log.show(upTo)
    }
  }

  async function writtenTo(running: Running, seq: number): Promise<void> {
    running.log.allow(seq)
    while (running.written < seq && !running.unwritten && !running.elsewhere.signal.aborted) await sleep(HELD_MS)
  }

  function loseTo({ userId, id, stop, elsewhere }: Running): void {
    elsewhere.abort()
    stop.abort(TAKEN_OVER)
    live.delete(keyOf(userId, id))
  }

  /** Another server that looks for what dead ones left has it at once; where there is none, this one when it is started again. */
  async function handOver(handed: readonly Running[]): Promise<void> {
    for (const running of handed) loseTo(running)
    await Promise.all(handed.map(({ quiet }) => quiet))
    // Without a database they wait until their leases run out.
    if (handed.length > 0) await tendGenerations(database, handed, { leaseSeconds: 0, owner }).catch(() => {})
  }

  /** The answer stands in its conversation before anybody hears of its end; where the database is away, it comes there when it is back. */
  async function endInHistory({ userId, id, log }: Running, last: GenerationEvent): Promise<void> {
    const events = [...log.made(0).map(({ event }) => event), last]
    const kept = database.asUser(userId, tx => keepAnswer(tx, userId, id, events)).catch(() => onTrouble(UNKEPT))
    await Promise.race([kept, sleep(KEEP_MS)])
  }

  /** Brings the events of one that is live into the database, in batches, to its end; a database that is away is waited for. */
  async function writeDown(running: Running): Promise<void> {
    const { elsewhere } = running
    for (let failures = 0; !elsewhere.signal.aborted;) {
      const { log } = running
      if (log.allowed() === running.written) {
        if (log.ended()) return
        await log.changed(elsewhere.signal)
      }
      // What is held back until it is written is written at once.
      if (!log.ended() && log.allowed() === log.seq()) await Promise.race([sleep(WRITE_MS), log.done])
      if (log.allowed() <= running.written) continue
      const events = log
        .made(running.written)
        .slice(0, Math.min(WRITE_EVENTS, log.allowed() - running.written))
        .map(({ event }) => event)
      const { userId, id, written } = running
      const end = endOf(events.at(-1)!)
      try {
        // Of a write that seemed to fail only the reply may have been lost.
        const before = failures > 0 ? await database.asUser(userId, tx => findGeneration(tx, id)) : undefined
        if (before && (before.status !== 'running' || before.owner !== owner)) return closedElsewhere(running, before)
        if (before && before.seq > written) running.written = before.seq
        else {
          await database.asUser(userId, tx => appendEvents(tx, { userId, id, owner, firstSeq: written + 1, events, end }))
          running.written += events.length
        }
        failures = 0
      } catch {
        if (++failures === 1) onTrouble('a generation could not be written down, it is tried again')
        if (failures > 60 || (closing && failures > 5)) return
        await sleep(Math.min(2_000, 100 * failures))
      }
    }
  }

  /** It is not running here any more, by the database: its own end was written, or its lease ran out and another server has it. */
  function closedElsewhere(running: Running, { seq }: GenerationRow): void {
    if (running.log.ended() && seq === running.log.seq()) return
    loseTo(running)
  }

  /** Resolves when a generation of this user is known here. Throws `request-differs`, and what keeping the question throws. */
  async function begin(caller: Caller, request: ChatRequest, answer: () => Promise<AnswerRequest>): Promise<void> {
    const { userId } = caller
    const requestHash = createHash('sha256').update(JSON.stringify(request)).digest()
    const known = await database.asUser(userId, tx => findGeneration(tx, request.answer))
    if (known) return same(known.requestHash, requestHash)
    if (closing || draining.signal.aborted) throw failure('cloud-part-missing', undefined, { retryable: true })
    const planned = await answer()
    // What it has reserved is given back by its end, and where its question is refused. Where it is not known whether it began, it runs out.
    const begin_ = database.asUser(userId, async tx => {
      const { answer: id, conversation: conversationId, parent: parentId, question } = request
      const row = {
        userId,
        id,
        conversationId,
        parentId,
        questionId: question.id,
        requestHash,
        model: planned.model,
        leaseSeconds: LEASE_SECONDS,
        owner,
        answerDue: !request.prompt,
      }
      if (!(await beginGeneration(tx, row))) return findGeneration(tx, id)
      if (!request.prompt) await keepQuestion(tx, userId, request)
      return true
    })
    const begun = await begin_.catch((error: unknown) => {
      if (error instanceof Failure) planned.reservation.giveBack()
      throw error
    })
    if (begun === true) launch(caller, request, planned, { startedAt: clock(), entries: [], written: 0 })
    else same(begun?.requestHash ?? Buffer.alloc(0), requestHash)
  }

  async function find(caller: Caller, id: string): Promise<GenerationRow> {
    const row = await database.asUser(caller.userId, tx => findGeneration(tx, id))
    if (!row) throw failure('not-found')
    return row
  }

  function stateOf(row: GenerationRow, userId: string): GenerationState {
    const running = live.get(keyOf(userId, row.id))
    return {
      generation: row.id,
      conversation: row.conversationId,
      at: row.status,
      model: row.model,
      seq: Math.max(row.seq, running?.log.seq() ?? 0),
    }
  }

  return {
    begin,
    /** How an answer is planned that is taken over; until it is known none is. */
    planWith: (how: Plan) => void (plan = how),
    /** Throws `not-found`. */
    state: async (caller: Caller, id: string): Promise<GenerationState> => stateOf(await find(caller, id), caller.userId),
    /** Resolves when it has been told to stop. Throws `not-found`. */
    async cancel(caller: Caller, id: string): Promise<GenerationState> {
      const row = await find(caller, id)
      await database.asUser(caller.userId, tx => requestCancel(tx, id))
      live.get(keyOf(caller.userId, id))?.stop.abort(CANCELLED)
      return stateOf(row, caller.userId)
    },

    /**
     * The events after `after`, in batches, to the last; wherever it runs. Ends early where `signal` aborts or this server is about to end.
     * Throws `not-found`.
     */
    async *follow(caller: Caller, id: string, after: number, signal: AbortSignal): AsyncGenerator<SeenEvent[], void, void> {
      const ends = AbortSignal.any([signal, draining.signal])
      let at = after
      while (!ends.aborted) {
        const running = live.get(keyOf(caller.userId, id))
        if (running) {
          const events = running.log.read(at)
          if (events.length > 0) yield events.map((event, index) => ({ seq: at + index + 1, event }))
          at += events.length
          if (running.log.ended() && at >= running.log.seq()) return
          if (running.log.seq() <= at) await running.log.changed(AbortSignal.any([ends, running.elsewhere.signal]))
          continue
        }
        const row = await find(caller, id)
        const stored = await database.asUser(caller.userId, tx => readEvents(tx, id, at))
        if (stored.length > 0) {
          yield stored
          at = stored.at(-1)!.seq
          if (isLast(stored.at(-1)!.event)) return
        } else if (row.status !== 'running') return
        else if (!tail) await sleep(FOLLOW_MS)
        else
          // Until there can be more in the database.
          for (const until = performance.now() + WRITE_MS; performance.now() < until && !ends.aborted;) {
            const shown = await tail.read({ userId: caller.userId, id }, at)
            if (shown.length > 0) {
              yield shown
              at = shown.at(-1)!.seq
              if (isLast(shown.at(-1)!.event)) return
            } else await sleep(TAIL_MS)
          }
      }
    },
    running: () => [...live.values()].filter(({ log }) => !log.ended()).length,
    /** Whether followers are sent to another server. */
    isDraining: () => draining.signal.aborted,
    onDrain: (tell: () => void) => draining.signal.addEventListener('abort', tell, { once: true }),
    /** Followers are sent elsewhere; what is being made goes on, at most so long. */
    async drain(longestMs: number): Promise<void> {
      draining.abort()
      const all = Promise.all([...live.values()].map(({ done }) => done))
      await Promise.race([all, sleep(longestMs)])
    },
    /** What is still being made goes on at another server; where none can know it, it ends, and what there is is written down. */
    async close(): Promise<void> {
      closing = true
      draining.abort()
      clearInterval(sweeping)
      const all = [...live.values()]
      const handed = all.filter(({ log, inTail }) => inTail && !log.ended())
      for (const running of all) if (!handed.includes(running)) running.stop.abort(failure('model-server-lost'))
      await Promise.all([handOver(handed), ...all.map(({ done }) => done)])
      clearInterval(tending)
    },
  }
}

function same(known: Buffer, asked: Buffer): void {
  if (!known.equals(asked)) throw failure('request-differs')
}

function endOf({ type }: GenerationEvent): Exclude<GenerationRow['status'], 'running'> | undefined {
  if (type === 'generation-finish') return 'complete'
  if (type === 'generation-stop') return 'stopped'
  return type === 'generation-fail' ? 'failed' : undefined
}

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
