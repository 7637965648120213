// W3C Trace Context: which trace a request is a part of, for all that is done for it, and for whom it asks in turn.
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

/** One step of a trace: ids in lower-case hex, of 32 and 16 digits. */
export interface TraceStep {
  traceId: string
  spanId: string
  /** Bit 0: it is recorded. */
  flags: number
  /** What tracing systems pass on to each other, as it came. */
  state?: string
}

/** What records the steps of a trace; there is none where traces go nowhere. */
export interface Recorder {
  /** A step below `parent` (or the first of a trace). `end` tells it how it went. */
  begin(name: string, options: { kind: SpanKind; parent: TraceStep | undefined; attributes: Attributes }): RecordedStep
  close(): Promise<void>
}
export type SpanKind = 'server' | 'client' | 'internal'
/** Ids and numbers, never what people wrote. */
export type Attributes = Record<string, string | number | boolean>
export interface RecordedStep {
  step: TraceStep
  end(how: { name?: string; attributes?: Attributes; failed?: boolean }): void
}

interface Current {
  step: TraceStep
  recorder: Recorder | undefined
}
const current = new AsyncLocalStorage<Current>()

/** The step that runs now; undefined outside of requests. */
export const currentTrace = (): TraceStep | undefined => current.getStore()?.step

/** Runs `work`, and all that it sets going, as this step. */
export function asStep<T>(step: TraceStep, recorder: Recorder | undefined, work: () => T): T {
  return current.run({ step, recorder }, work)
}

/** Runs `work` as a step of its own. Where nothing is recorded it costs a function call. */
export async function inSpan<T>(
  name: string,
  { kind = 'internal', attributes = {} }: { kind?: SpanKind; attributes?: Attributes },
  work: () => Promise<T>,
): Promise<T> {
  const parent = current.getStore()
  if (!parent?.recorder) return work()
  const { step, end } = parent.recorder.begin(name, { kind, parent: parent.step, attributes })
  let failed = true
  try {
    const result = await current.run({ step, recorder: parent.recorder }, work)
    failed = false
    return result
  } finally {
    end({ failed })
  }
}

/** Headers that tell whom we ask which trace it is a part of. */
export function traceHeaders(): Record<string, string> {
  const step = currentTrace()
  if (!step) return {}
  return { traceparent: traceparent(step), ...(step.state && { tracestate: step.state }) }
}

export const traceparent = ({ traceId, spanId, flags }: TraceStep): string =>
  `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`

/** The step that a `traceparent` header names; undefined where it is none, and the trace then begins here. */
export function parseTraceparent(header: unknown, state?: unknown): TraceStep | undefined {
  if (typeof header !== 'string' || header.length > 200) return undefined
  // A later version may have more after the flags; version ff is not allowed (section 2.2 of the standard).
  const match = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header)
  if (!match || (match[1] === '00' && match[5] !== undefined)) return undefined
  const passedOn = typeof state === 'string' && state.length <= 512 && /^[\x20-\x7e]+$/.test(state) ? { state } : {}
  return { traceId: match[2]!, spanId: match[3]!, flags: Number.parseInt(match[4]!, 16) & 1, ...passedOn }
}

/** A step below `parent`, or the first of a new trace, that nobody records. */
export function nextStep(parent: TraceStep | undefined): TraceStep {
  // Of a UUID, whose random bits Node has in store: those of its first and its last digits.
  const one = randomUUID()
  const spanId = one.slice(0, 8) + one.slice(28)
  return parent ? { ...parent, spanId } : { traceId: randomUUID().replaceAll('-', ''), spanId, flags: 0 }
}
