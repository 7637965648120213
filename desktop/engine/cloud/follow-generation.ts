import { setTimeout as pause } from 'node:timers/promises'
import { BudgetWarning } from '@fusion/shared/chat/budget-warning.ts'
import { type ChatRequest, chatRoutes, eventId, GenerationEvent, seqOf } from '@fusion/shared/contract/cloud/chat.ts'
import { codes, failure } from '@fusion/shared/contract/failures.ts'
import { Choice } from '@fusion/shared/routing/routing-reason.ts'
import { Failure, FailureBody } from '@fusion/shared/rpc/failure.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { unlessAborted } from '../unless-aborted.ts'
import type { Cloud } from './cloud.ts'
import { readEvents, type SentEvent } from '@fusion/shared/http/read-events.ts'

type LoggedEvent = Exclude<GenerationEvent, { type: 'server-drain' }>

export interface SeenEvent {
  seq: number
  event: LoggedEvent
}

export interface Following {
  conversationId: string
  /** The person agreed that what is in this request leaves, or it left already. */
  agreed: boolean
  generation: string
  /** Seq of the newest event that is here; 0: none. */
  after: number
  /** What is asked; absent: it was asked before, and only its events are wanted. */
  question?: ChatRequest
  signal: AbortSignal
  /** There is no connection now, and another is tried. */
  onConnecting(): void
  /** A cloud keeps the events of a generation so long, in ms from now. */
  keptMs: number
}

const readable = Compile(GenerationEvent)
/** What an event may say besides. */
const besides = { modelReason: Compile(Choice), budgetWarning: Compile(BudgetWarning) }

/** A cloud pings every 15 s: a connection that is silent for so long is a dead one. */
const SILENT_MS = 50_000
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 10_000
/** What was never taken is given up after so many tries (about five seconds): the person can decide better what to do. */
const TRIES = 5

const refused = Compile(Type.Object({ error: Type.Object({ failure: FailureBody }) }))

const route = (path: string, generation: string) => path.replace('{generation}', generation)

/**
 * The events of a generation, each once and in order, over as many connections as it takes, to its last one. Throws what the cloud refuses
 * with, `cloud-unreachable` where the question was never taken, `cloud-answer-gone`, `cancelled`.
 */
export async function* followGeneration(cloud: Cloud, following: Following): AsyncGenerator<SeenEvent, void, void> {
  const { generation, question, signal, onConnecting } = following
  const endsAt = performance.now() + following.keptMs
  let seq = following.after
  /** The cloud has it: from then on it is only a matter of time. */
  let taken = question === undefined
  let failures = 0
  for (;;) {
    try {
      const known = taken
      for await (const sent of connection(cloud, following, known, seq, () => (taken = true))) {
        const event = parsed(sent.data)
        if (event?.type === 'server-drain') break
        const at = seqOf(generation, sent.id)
        if (!event || at === undefined || at <= seq) continue
        // A gap would be text that is lost: what is missing is asked for again.
        if (at !== seq + 1) break
        failures = 0
        seq = at
        yield { seq, event }
        if (event.type === 'generation-finish' || event.type === 'generation-stop' || event.type === 'generation-fail') return
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Failure && !error.retryable) throw error
      if (!taken && failures + 1 >= TRIES) throw error instanceof Failure ? error : failure('cloud-unreachable', { host: cloud.host() })
    }
    if (signal.aborted) throw failure('cancelled')
    if (performance.now() > endsAt) throw failure('cloud-answer-gone')
    // At once the first time: a server that is about to end has said so, and another one is there.
    onConnecting()
    if (failures > 0) {
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))
      // Half of it by chance: not all come back in the same moment.
      await pause(wait * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      if (signal.aborted) throw failure('cancelled')
    }
    failures++
  }
}

async function* connection(
  cloud: Cloud,
  { conversationId, agreed, generation, question, signal }: Following,
  known: boolean,
  after: number,
  onTaken: () => void,
): AsyncGenerator<SentEvent, void, void> {
  const dead = new AbortController()
  const silent = setTimeout(() => dead.abort(), SILENT_MS)
  try {
    const headers = { accept: 'text/event-stream', ...(after > 0 && { 'last-event-id': eventId(generation, after) }) }
    const init = { headers, signal: AbortSignal.any([signal, dead.signal]) }
    const why = { purpose: 'cloud-answer', conversationId, agreed } as const
    const reply =
      question && !known
        ? await cloud.request({
            ...why,
            path: chatRoutes.chat.path,
            init: { ...init, method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(question) },
          })
        : await cloud.request({ ...why, path: route(chatRoutes.generationEvents.path, generation), init })
    if (!reply.ok || !reply.body) {
      const told = known ? undefined : await toldFailure(reply, init.signal)
      await reply.body?.cancel().catch(() => {})
      throw told ?? refusal(reply.status, cloud.host(), question?.model, known)
    }
    onTaken()
    const bytes = reply.body[Symbol.asyncIterator]()
    const events = readEvents(
      (async function* () {
        for (;;) {
          const { done, value } = await unlessAborted(bytes.next(), init.signal)
          if (done) return
          silent.refresh()
          yield value
        }
      })(),
    )
    yield* events
  } finally {
    clearTimeout(silent)
    // Left early: the cloud goes on, but this connection is done.
    dead.abort()
  }
}

/**
 * Why the cloud did not take a question: a budget is used up, a model costs too much. What it refuses it refuses again some seconds later;
 * a part of it that is away may be back by then. undefined where it did not say.
 */
async function toldFailure(reply: Response, signal: AbortSignal): Promise<Failure | undefined> {
  // Words of our own are better for a model that is no longer there.
  if (reply.status === 404) return undefined
  const body: unknown = await unlessAborted(reply.json(), signal).catch(() => undefined)
  if (!refused.Check(body)) return undefined
  const { failure: told } = body.error
  // A code of a later year has no words here.
  if (!codes.some(code => code === told.code)) return undefined
  return Failure.from({ ...told, retryable: reply.status >= 500 })
}

function refusal(status: number, host: string, model: string | undefined, known: boolean): Failure {
  if (status === 403) return failure('not-allowed')
  if (status === 404) return known ? failure('cloud-answer-gone') : failure('cloud-model-missing', model ? { model } : undefined)
  if (status === 408 || status === 429 || status >= 500) return failure('cloud-unreachable', { host }, { retryable: true })
  return failure('cloud-odd', { host })
}

function parsed(data: string): GenerationEvent | undefined {
  try {
    const value: unknown = JSON.parse(data)
    if (readable.Check(value)) return value
    if (typeof value !== 'object' || value === null) return undefined
    // A newer cloud may have reasons that this app does not know: the event is told without them, or all after it would seem to be missing.
    const known = Object.entries(value).filter(([name, said]) => !(name in besides) || besides[name as keyof typeof besides].Check(said))
    const rest: unknown = Object.fromEntries(known)
    return readable.Check(rest) ? rest : undefined
  } catch {
    return undefined
  }
}

/** Tells the cloud to stop; resolves whatever it says, since what is here is closed already. */
export async function cancelGeneration(
  cloud: Cloud,
  { conversationId, generation }: Pick<Following, 'conversationId' | 'generation'>,
): Promise<void> {
  try {
    const path = route(chatRoutes.cancelGeneration.path, generation)
    const init = { method: 'POST', signal: AbortSignal.timeout(10_000) }
    const reply = await cloud.request({ purpose: 'cloud-answer', conversationId, agreed: true, path, init })
    await reply.body?.cancel()
  } catch {
    // It ends by itself, at the latest with its own limit.
  }
}
