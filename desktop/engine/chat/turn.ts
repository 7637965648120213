import { type FinishReason, type Message, type MessageStatus, type PlaceReason, type Segment, textOf } from '@fusion/shared/chat/message.ts'
import type { Conversation, Sampling } from '@fusion/shared/chat/conversation.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { Failure, type FailureBody, isCancelled } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import type { Loaded, Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import { createGrowingAnswer } from './growing-answer.ts'
import type { Hub } from './hub.ts'
import type { PromptPlanner } from './prompt-planner.ts'
import type { ModelChoice } from './model-choice.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface TurnParts {
  storage: Storage
  models: Models
  choice: ModelChoice
  planner: PromptPlanner
  settings: () => Settings
  hub: Hub
  log: Log
}

export interface TurnRequest {
  conversation: Conversation
  /** The growing message, already in the store; its parent is the question. */
  answer: Message
  reason: PlaceReason
  /** When Send was pressed, or the turn could start, by performance.now(). */
  startedAt: number
  signal: AbortSignal
  onState: (state: Pick<TurnState, 'at' | 'fraction' | 'failure'>) => void
  /** Given once: writes to the store what was made since the last write. */
  onGrowing: (flush: () => void) => void
}

/** How an inference process that died is waited for to be understood, before the failure is called a crash of unknown kind. */
const GONE_MS = 2000

/**
 * One answer, from the planned prompt to the durable end: `complete`, `stopped` or `failed`. Never throws: what went wrong stands in the message,
 * and what was written is kept.
 */
export async function runTurn(parts: TurnParts, request: TurnRequest): Promise<{ message: Message; modelId: string }> {
  const { storage, models, choice, planner, settings, hub, log } = parts
  const { conversation, answer, signal, onState } = request
  const startText = textOf(answer)
  const tally = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, firstAt: 0, lastAt: 0, afterFirst: 0 }
  let modelId = ''
  let loaded: Loaded | undefined
  let finishReason: FinishReason | null = null
  let leftOut: Message['leftOut'] = null
  let trouble: unknown
  const own = new AbortController()
  const stop = AbortSignal.any([signal, own.signal])

  const growing = createGrowingAnswer({
    hub,
    grow: (messageId, part, text) => storage.messages.grow(messageId, part, text),
    conversationId: conversation.id,
    messageId: answer.id,
    lengths: { text: startText.length, reasoning: reasoningLength(answer) },
    onTrouble(error) {
      trouble = error
      own.abort()
    },
  })

  request.onGrowing(growing.flush)

  function segments(): Segment[] {
    const decodeMs = tally.lastAt - tally.firstAt
    const entry = models.state().entries.find(candidate => candidate.id === modelId)
    const segment: Segment = {
      from: startText.length,
      place: 'desk',
      reason: request.reason,
      modelId,
      modelName: entry?.file.name ?? '',
      quantization: entry?.file.quantization ?? '',
      backend: loaded?.loaded.backend ?? '',
      promptTokens: tally.promptTokens,
      cachedTokens: tally.cachedTokens,
      completionTokens: tally.completionTokens,
      firstTokenMs: tally.firstAt > 0 ? Math.round((tally.firstAt - request.startedAt) * 10) / 10 : null,
      tokensPerSecond: decodeMs > 0 && tally.afterFirst > 0 ? Math.round((tally.afterFirst / decodeMs) * 10_000) / 10 : null,
    }
    return [...answer.segments, segment]
  }

  function take(event: GenerateEvent): void {
    switch (event.type) {
      case 'prompt-ready':
        tally.promptTokens = event.promptTokens
        tally.cachedTokens = event.cachedTokens
        onState({ at: 'prefilling', fraction: 0, failure: null })
        break
      case 'prefill-progress':
        onState({ at: 'prefilling', fraction: event.total > 0 ? event.done / event.total : 1, failure: null })
        break
      case 'text-delta': {
        const now = performance.now()
        if (tally.firstAt === 0) {
          tally.firstAt = now
          onState({ at: 'answering', fraction: null, failure: null })
        } else tally.afterFirst += event.tokens
        tally.lastAt = now
        tally.completionTokens += event.tokens
        growing.append(event.part, event.text)
        break
      }
      case 'answer-finished':
        finishReason = event.reason
        tally.completionTokens = event.completionTokens
        break
    }
  }

  async function generate(): Promise<void> {
    const chosen = await choice.known(conversation.settings.modelId, stop)
    if (!chosen) throw failure('model-missing')
    modelId = chosen
    const onProgress = (fraction: number) => onState({ at: 'loading-model', fraction, failure: null })
    onProgress(0)
    loaded = await models.acquire(modelId, { signal: stop, onProgress })
    onState({ at: 'waiting', fraction: null, failure: null })
    if (keepsState(conversation, settings())) await models.openState(conversation.id, modelId)
    // Loading a state that kills its process gives a new process: take the one that is there now.
    if (models.ready(modelId) !== loaded) {
      loaded.release()
      loaded = await models.acquire(modelId, { signal: stop, onProgress })
    }
    const path = storage.messages.path(answer.parentId)
    const planned = await planner.plan({ loaded, conversation, path, answerStart: startText, signal: stop })
    if (planned.plan.questionTooLong) {
      throw failure('prompt-too-long', {
        tokens: planned.plan.promptTokens,
        window: planned.report.windowTokens,
        model: modelName(models, modelId),
      })
    }
    leftOut = planned.plan.cut > 0 ? planned.report.leftOut : null
    hub.tellChat(conversation.id, { type: 'context-changed', context: planned.report })
    stop.throwIfAborted()
    const sampling: Sampling = { ...settings().sampling, ...conversation.settings.sampling }
    const events = loaded.client.chat.generate({ chatId: conversation.id, prompt: planned.prompt, sampling, priority: 0 }, { signal: stop })
    await takeAll(events, stop, take)
  }

  async function outcome(): Promise<{ status: MessageStatus; failure: FailureBody | null }> {
    try {
      await generate()
      return { status: 'complete', failure: null }
    } catch (error) {
      if (trouble) return { status: 'failed', failure: Failure.toBody(trouble) }
      if (signal.aborted && isCancelled(error)) return { status: 'stopped', failure: null }
      const body = Failure.toBody(await cause(error, loaded))
      if (body.code === 'internal')
        log.error(
          { conversationId: conversation.id, error: error instanceof Error ? error.name : 'unknown', stack: stackOf(error) },
          'turn failed',
        )
      return { status: 'failed', failure: body }
    } finally {
      loaded?.release()
    }
  }

  const end = await outcome()
  let triesAfterStop = 0
  const last = { ...end, segments: segments(), finishReason: end.status === 'complete' ? finishReason : null, leftOut }
  for (;;) {
    try {
      growing.flush()
      storage.messages.finish(answer.id, last)
      break
    } catch (error) {
      // The text is in memory still, and open pages show it: go on trying until there is room again.
      last.status = 'failed'
      last.failure = Failure.toBody(error)
      if (last.failure.code === 'internal') {
        log.error({ conversationId: conversation.id, stack: stackOf(error) }, 'answer could not be saved')
        break
      }
      // The engine is closing: what reached the disk is kept, and marked as interrupted at the next start.
      if (signal.aborted && ++triesAfterStop > 3) break
      onState({ at: 'paused', fraction: null, failure: last.failure })
      await new Promise(resolve => setTimeout(resolve, 1000))
    }
  }
  growing.close()
  log.info(
    {
      conversationId: conversation.id,
      modelId,
      status: last.status,
      failure: last.failure?.code,
      tokens: tally.completionTokens,
      promptTokens: tally.promptTokens,
      cachedTokens: tally.cachedTokens,
    },
    'answer finished',
  )
  return { message: storage.messages.get(answer.id) ?? { ...answer, ...last }, modelId }
}

export function keepsState(conversation: Pick<Conversation, 'settings'>, settings: Settings): boolean {
  return settings.keepStates && conversation.settings.keepState
}

export function modelName(models: Models, modelId: string): string {
  return models.state().entries.find(entry => entry.id === modelId)?.file.name ?? 'the model'
}

/** Reads events until the end or the stop: a stop does not wait for the batch that the inference process is computing. */
async function takeAll(
  events: AsyncGenerator<GenerateEvent, void, void>,
  signal: AbortSignal,
  take: (event: GenerateEvent) => void,
): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await unlessAborted(events.next(), signal)
      if (done) return
      take(value)
    }
  } finally {
    events.return().catch(() => {})
  }
}

/** A lost connection to the inference process is a sign, not a reason: the reason is how the process ended. */
async function cause(error: unknown, loaded: Loaded | undefined): Promise<unknown> {
  if (!loaded || !(error instanceof Failure) || error.code !== 'disconnected') return error
  const unknown = new Promise<Failure>(resolve => setTimeout(() => resolve(failure('model-crashed')), GONE_MS).unref())
  return Promise.race([loaded.gone, unknown])
}

function reasoningLength(message: Message): number {
  return message.parts.reduce((sum, part) => sum + (part.type === 'reasoning' ? part.text.length : 0), 0)
}

/** Where it happened, without the message, which may hold what people wrote. */
function stackOf(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? '')
        .split('\n')
        .filter(line => line.startsWith('    at '))
        .slice(0, 6)
        .join('\n')
    : ''
}
