// One answer, from the count of its prompt to its last event. It knows nothing of connections.
import type { GenerationEvent, GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Choice } from '@fusion/shared/routing/routing-reason.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Reservation } from '../budgets/budgets.ts'
import type { Clock } from '../clock.ts'
import { streamAnswer } from '../inference/answer.ts'
import type { Watch } from '../inference/ask-servers.ts'
import { asFailure, type ModelServer } from '../inference/model-server.ts'
import { type Models, ranks } from '../inference/models.ts'
import type { Patience } from '../inference/token-patience.ts'
import { createUsageCount } from '../inference/told-usage.ts'
import type { ChatChunk } from '../inference/server-chunk.ts'
import type { MakePrompt } from './counted-prompt.ts'
import type { TailEntry } from './event-tail.ts'
import { readEntries } from './read-entries.ts'
import { createWholeText } from './whole-text.ts'

export interface AnswerRequest {
  generation: string
  model: string
  /** Why this one, where the choice was ours. */
  modelReason?: Choice | undefined
  prompt: MakePrompt
  sampling: Sampling
  /** Keeps one tenant's prompts from being seen in the timing of another's: vLLM's prefix cache is shared only within a salt. */
  cacheSalt: string
  /** Whose turn it is, where servers are full. */
  who: string
  /** Of the prompt, by which a server is found that has read it; see `prefixBlocks`. */
  blocks: readonly number[]
  reservation: Reservation
}

/** How a cancelled answer is told from one that took too long. */
export const CANCELLED = new Error('cancelled')

/**
 * Makes the answer and tells its events; the last one is always told, whatever happens. `signal` aborts with `CANCELLED`, or with the failure
 * that ends it. `entries`: what a server that died had made and told of it. Never throws.
 */
export async function makeAnswer(
  { models, clock, patience }: { models: Models; clock: Clock; patience: Patience },
  request: AnswerRequest,
  tell: (entry: TailEntry) => void,
  signal: AbortSignal,
  entries: readonly TailEntry[] = [],
): Promise<{ usage: GenerationUsage; server: string | null; retries: number }> {
  const count = createUsageCount()
  const times = createTimes(clock)
  const told = createToldText(tell)
  const { generation, model, modelReason, who, blocks, sampling, reservation } = request
  const either = reservation.ends ? AbortSignal.any([signal, reservation.ends]) : signal
  const budgetWarning = reservation.warning
  let server: string | null = null
  let weights: string | undefined
  let retries = 0
  const known = readEntries(entries)
  /** Tokens that the window has room for; known when the prompt was counted. */
  let room = known.room
  let reason: string | undefined
  const tellEvent = (event: GenerationEvent) => tell({ event })
  const settings = (most: number) => ({
    model,
    ...samplingOf(sampling),
    max_tokens: Math.min(sampling.maxTokens ?? most, most),
    cache_salt: request.cacheSalt,
  })
  count.prompt(known.promptTokens)
  count.made(known.tokenIds.length)
  if (entries.length > 0) tellEvent({ type: 'request-retry', attempt: known.attempts + 1 })
  else
    tellEvent({
      type: 'generation-start',
      generation,
      model,
      modelName: model,
      ...(modelReason && { modelReason }),
      ...(budgetWarning && { budgetWarning }),
    })

  async function body(one: ModelServer, until: AbortSignal): Promise<Record<string, unknown>> {
    const { messages, continued, tokens, window, leftOut } = await request.prompt(one, until)
    count.prompt(tokens)
    // One token of an answer has to fit, too.
    if (tokens >= window) throw failure('prompt-too-long', { tokens, window, model })
    if (room === undefined) tellEvent({ type: 'prompt-count', promptTokens: tokens, windowTokens: window, leftOut })
    room = window - tokens
    await reservation.ensure(tokens + Math.min(sampling.maxTokens ?? 0, room))
    return { ...settings(room), messages, ...(continued && { continue_final_message: true, add_generation_prompt: false }) }
  }

  const watch: Watch = {
    onServer(label, of) {
      server = label
      weights = of
    },
    onPlace: ahead => tellEvent({ type: 'queue-wait', ahead }),
    onWake: () => tellEvent({ type: 'model-wake' }),
    onRetry(attempt) {
      retries += 1
      tellEvent({ type: 'request-retry', attempt: attempt + (entries.length > 0 ? known.attempts : 0) })
    },
  }
  try {
    const wanted = { model, who, rank: ranks.person, blocks }
    const before = known.promptIds && {
      ...known,
      promptIds: known.promptIds,
      weights: known.weights ?? '',
      request: settings(room ?? models.windowOf(model) ?? 1),
    }
    for await (const chunks of streamAnswer({
      models,
      path: '/v1/chat/completions',
      wanted,
      body,
      patience,
      watch,
      signal: either,
      before,
    })) {
      for (const { text, reasoning, tokenIds, promptIds, usage, finish } of chunks) {
        const made = tokenIds?.length ?? (text !== '' || reasoning !== '' ? 1 : 0)
        if (made > 0) times.seen()
        count.made(made)
        if (usage) count.told(usage)
        const { promptTokens, completionTokens } = count.usage()
        reservation.cover(promptTokens + completionTokens)
        told.take({ text, reasoning, tokenIds, promptIds, weights })
        reason = finish ?? reason
      }
    }
    told.end()
    const usage = count.usage()
    const ended = reason !== 'length' ? 'stop' : sampling.maxTokens !== undefined && sampling.maxTokens < room! ? 'length' : 'window'
    const { completionTokens } = usage
    tellEvent({
      type: 'generation-finish',
      reason: ended,
      usage,
      firstTokenMs: times.firstMs(),
      tokensPerSecond: times.perSecond(completionTokens),
    })
  } catch (error) {
    told.end()
    const usage = count.usage()
    if (signal.aborted && signal.reason === CANCELLED) tellEvent({ type: 'generation-stop', usage })
    else tellEvent({ type: 'generation-fail', failure: Failure.toBody(asFailure(either.aborted ? either.reason : error)), usage })
  }
  return { usage: count.usage(), server, retries }
}

/** Tells text and reasoning as they come, in whole characters: a server may cut one in two. Tokens go with the text that they end in. */
function createToldText(tell: (entry: TailEntry) => void) {
  const parts = { 'reasoning-delta': createWholeText(), 'text-delta': createWholeText() }
  let due: Omit<TailEntry, 'event'> = { tokenIds: [] }
  function tellText(type: keyof typeof parts, text: string): void {
    if (text === '') return
    tell({ event: { type, text }, ...due })
    due = { tokenIds: [] }
  }
  return {
    take({
      text,
      reasoning,
      tokenIds,
      promptIds,
      weights,
    }: Pick<ChatChunk, 'text' | 'reasoning' | 'tokenIds' | 'promptIds'> & { weights: string | undefined }): void {
      // Text whose tokens are not told leaves no way to go on from it.
      const ids = tokenIds ? [...(due.tokenIds ?? []), ...tokenIds] : text !== '' || reasoning !== '' ? undefined : due.tokenIds
      due = { ...(ids && { tokenIds: ids }), ...(promptIds ? { promptIds, ...(weights !== undefined && { weights }) } : pick(due)) }
      tellText('reasoning-delta', parts['reasoning-delta'].take(reasoning))
      tellText('text-delta', parts['text-delta'].take(text))
    },
    end(): void {
      for (const [type, part] of Object.entries(parts)) tellText(type as keyof typeof parts, part.end())
    },
  }
}

const pick = ({ promptIds, weights }: Omit<TailEntry, 'event'>) => ({
  ...(promptIds && { promptIds }),
  ...(weights !== undefined && { weights }),
})

/** Our names of sampling settings in vLLM's words. */
function samplingOf({
  temperature,
  topP,
  topK,
  minP,
  repeatPenalty,
  presencePenalty,
  frequencyPenalty,
  seed,
}: Sampling): Record<string, number> {
  const named = {
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    repetition_penalty: repeatPenalty,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    seed,
  }
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined))
}

/** When its first and its newest token came. */
function createTimes(clock: Clock) {
  const startedAt = clock()
  let firstAt: number | undefined
  let lastAt = startedAt
  return {
    seen(): void {
      lastAt = clock()
      firstAt ??= lastAt
    },
    firstMs: () => (firstAt === undefined ? null : Math.max(0, firstAt - startedAt)),
    perSecond: (tokens: number) =>
      firstAt === undefined || lastAt <= firstAt || tokens < 2 ? null : ((tokens - 1) * 1000) / (lastAt - firstAt),
  }
}
