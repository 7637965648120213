// Requests that ask for the very same, at the same time or (where they say so) later, have one answer.
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { MadeBefore } from './answer.ts'
import { type ChatChunk, readChunk } from './server-chunk.ts'
import { type AnswerKey, ALIVE_MS, type SharedAnswers } from './shared-answers.ts'

/** What does not change an answer, but how it is told. */
const UNSEEN = new Set([
  'stream',
  'stream_options',
  'return_token_ids',
  'user',
  'metadata',
  'service_tier',
  'store',
  'safety_identifier',
  'prompt_cache_key',
])
/** Those who follow look for more so often. */
const FOLLOW_MS = 20
/** Where they can't for so long, they go on by themselves. */
const UNKNOWN_MS = 2_000
/** Between two tries to tell those who follow. */
const AGAIN_MS = 100

/** Whether the same request has the same answer: greedy decoding, or draws from a seed. */
export const isDeterministic = ({ temperature, seed, n }: Readonly<Record<string, unknown>>): boolean =>
  (temperature === 0 || typeof seed === 'number') && (n === undefined || n === null || n === 1)

/** Of the whole request, and of whose it is: nobody is told what somebody else asked, nor by the time that it takes. */
export function answerKey(path: string, body: Readonly<Record<string, unknown>>): string {
  const seen = Object.entries(body)
    .filter(([name, value]) => !UNSEEN.has(name) && value !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([path, seen]))
    .digest('base64url')
}

export interface Sharing {
  answers: SharedAnswers
  of: AnswerKey
  model: string
  /** A whole answer is kept for so long, and one that was kept is taken; 0: neither. */
  keepMs: number
  /** Makes the answer, or what is left of it. */
  make: (before?: MadeBefore) => AsyncGenerator<readonly ChatChunk[], void, void>
  /** As it is sent to a server, without its prompt. */
  request: Record<string, unknown>
  signal: AbortSignal
  /** One that has begun, and of which nothing came for so long, is gone on with. */
  stalledMs: number
  /** Told once, before the first chunk. */
  onSource: (source: 'model' | 'shared' | 'cache') => void
}

/** The chunks of the answer, whoever makes it. Where its maker dies or leaves, whoever follows goes on with it from the token that came last. */
export async function* shareAnswer({
  answers,
  of,
  model,
  keepMs,
  make,
  request,
  signal,
  stalledMs,
  onSource,
}: Sharing): AsyncGenerator<readonly ChatChunk[], void, void> {
  const id = randomUUID()
  const joined = await answers.join(of, id, keepMs > 0)
  if (joined === 'make' || joined === 'alone') {
    onSource('model')
    return yield* joined === 'make' ? lead() : make()
  }
  const seen: ChatChunk[] = []
  onSource(joined === 'replay' ? 'cache' : 'shared')
  let unknownSince: number | undefined
  let first: string | undefined
  let cameAt = performance.now()
  for (;;) {
    const read = await answers.read(of, seen.length)
    unknownSince = read ? undefined : (unknownSince ?? performance.now())
    if (unknownSince !== undefined && performance.now() - unknownSince > UNKNOWN_MS) break
    const { chunks, state, by } = read ?? { chunks: [], state: 'running' }
    // Its maker left, and somebody else began it anew: that may be cut into other chunks, or be another draw.
    if (by !== undefined && (first ??= by) !== by) break
    if (chunks.length > 0) cameAt = performance.now()
    // Whoever makes it may be held up by a client of its own, which takes nothing.
    else if (seen.length > 0 && performance.now() - cameAt > stalledMs) break
    const come = chunks.map(text => {
      const [raw, weights] = JSON.parse(text) as [unknown, string]
      return { ...readChunk(raw, model), weights }
    })
    seen.push(...come)
    if (come.length > 0) yield come
    if (state === 'whole') return
    if (state === 'gone') break
    await sleep(chunks.length === 0 ? FOLLOW_MS : 0, undefined, { signal })
  }
  onSource('model')
  const before = madeOf(seen, request)
  if (!before && seen.some(chunk => chunk.isProgress)) throw failure('model-server-lost')
  // A beginning without a token is told once.
  let begun = seen.length > 0 && !before
  for await (const come of make(before)) {
    const from = begun ? come.findIndex(chunk => chunk.isProgress) : 0
    if (from === -1) continue
    begun = false
    yield come.slice(from)
  }

  async function* lead(): AsyncGenerator<readonly ChatChunk[], void, void> {
    let due: string[] = []
    let told = 0
    let shares = true
    let sending: Promise<void> | undefined
    const alive = setInterval(() => void answers.alive(of, id).catch(() => {}), ALIVE_MS / 3)
    /** What comes while the last ones are on their way goes with the next. */
    async function send(): Promise<void> {
      for (let unknown = 0; due.length > 0 && shares;) {
        const chunks = due
        due = []
        const appended = await answers.append(of, id, told, chunks).catch(() => undefined)
        if (appended) told += chunks.length
        else if (appended === undefined && unknown++ < UNKNOWN_MS / AGAIN_MS) {
          due = [...chunks, ...due]
          await sleep(AGAIN_MS)
        } else {
          // Nobody waits for the rest of it.
          shares = false
          clearInterval(alive)
          await answers.abandon(of, id).catch(() => {})
        }
      }
      sending = undefined
    }
    let whole = false
    try {
      for await (const come of make()) {
        for (const chunk of come) due.push(JSON.stringify([chunk.raw, chunk.weights]))
        if (shares) sending ??= send()
        yield come
      }
      whole = true
    } finally {
      clearInterval(alive)
      await sending
      if (shares) await (whole ? answers.end(of, id, keepMs) : answers.abandon(of, id)).catch(() => {})
      else await answers.abandon(of, id).catch(() => {})
    }
  }
}

function madeOf(seen: readonly ChatChunk[], request: Record<string, unknown>): MadeBefore | undefined {
  const promptIds = seen.find(chunk => chunk.promptIds)?.promptIds
  const tokenIds = seen.flatMap(chunk => chunk.tokenIds ?? [])
  if (!promptIds || tokenIds.length === 0) return undefined
  const { choices: _, usage: __, prompt_token_ids: ___, ...shape } = seen[0]!.raw
  return {
    request,
    promptIds,
    tokenIds,
    text: seen.map(({ text }) => text).join(''),
    isExact:
      seen.every(chunk => chunk.single && (chunk.tokenIds || chunk.text === '')) &&
      !seen.findLast(({ text, reasoning }) => text !== '' || reasoning !== '')?.reasoning,
    weights: seen.at(-1)!.weights ?? '',
    shape,
  }
}
