import { cloudModelId } from '@fusion/shared/chat/cloud-model.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import type { TokenGuess } from '@fusion/shared/chat/token-guess.ts'
import type { GenerationEvent, PlannedMessage } from '@fusion/shared/contract/cloud/chat.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Choice } from '@fusion/shared/routing/routing-reason.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Cloud } from '../cloud/cloud.ts'
import { cancelGeneration, followGeneration } from '../cloud/follow-generation.ts'
import type { Storage } from '../storage/storage.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { GenerateRequest } from './generate-answer.ts'
import type { Hub } from './hub.ts'
import { LEAVING } from './leaving.ts'
import type { PromptPlanner } from './prompt-planner.ts'
import { guessingCounter } from './token-counter.ts'

export interface CloudAnswerParts {
  storage: Storage
  cloud: Cloud
  guess: TokenGuess
  planner: PromptPlanner
  settings: () => Settings
  hub: Hub
}

/** A model that is not in the list (it was not read yet) is taken to hold this much, until its cloud has said better. */
const WINDOW_TOKENS = 8192
/** A guess of lengths that was wrong is corrected by the cloud's count, and the prompt is planned again. */
const PLANS = 3
export const KEPT_MS = 24 * 60 * 60_000

/** The prompt does not fit: by the model's own count. */
class TooLong extends Error {
  readonly tokens: number
  readonly window: number
  constructor(tokens: number, window: number) {
    super('The prompt is too long')
    this.tokens = tokens
    this.window = window
  }
}

/**
 * An answer of a model of the cloud, planned here and resumed wherever it was left. Gives whether it was ended by its model or by somebody.
 * Throws what the door and the cloud refuse with, `prompt-too-long`, `cancelled`.
 */
export async function answerFromCloud(parts: CloudAnswerParts, request: GenerateRequest, model: string): Promise<'complete' | 'stopped'> {
  const { storage, cloud } = parts
  const { conversation, report, resume } = request
  if (resume) return follow(parts, request, { generation: resume.generation, after: resume.event, guessed: 0, model })
  const entry = cloud.models().find(({ id }) => id === cloudModelId(model))
  report.chooseCloud({ modelId: cloudModelId(model), modelName: entry?.name ?? model, quantization: entry?.quantization ?? '' })
  // Before anything else: for a chat of this computer no token is renewed either.
  const { privacy } = storage.conversations.get(conversation.id) ?? { privacy: 'local-only' }
  if (privacy === 'local-only') throw failure('chat-local-only')
  cloud.host()
  if (privacy === 'ask') {
    request.onState({ at: 'asking', fraction: null, failure: null })
    await unlessAborted(request.agreed, request.stop)
  }
  request.onState({ at: 'waiting', fraction: null, failure: null })
  let windowTokens = entry?.windowTokens ?? WINDOW_TOKENS
  for (let plans = 1; ; plans++) {
    try {
      return await plan(parts, request, {
        model,
        windowTokens,
        last: plans === PLANS,
        generation: plans === 1 ? request.answer.id : newId(),
      })
    } catch (error) {
      if (!(error instanceof TooLong)) throw error
      if (plans === PLANS) throw tooLong(error.tokens, error.window, request)
      windowTokens = error.window
    }
  }
}

const tooLong = (tokens: number, window: number, { report }: GenerateRequest): Failure =>
  failure('prompt-too-long', { tokens, window, model: report.fields().segments.at(-1)?.modelName || 'the model' })

async function plan(
  parts: CloudAnswerParts,
  request: GenerateRequest,
  { model, windowTokens, last, generation }: { model: string; windowTokens: number; last: boolean; generation: string },
): Promise<'complete' | 'stopped'> {
  const { storage, planner, settings, guess, hub } = parts
  const { conversation, answer, report, stop } = request
  const counter = guessingCounter(guess, { modelId: cloudModelId(model), windowTokens })
  const path = storage.messages.path(answer.parentId)
  const planned = await planner.plan({ counter, conversation, path, answerStart: textOf(answer), signal: stop })
  // A guess alone does not refuse a question: the cloud counts it first.
  if (planned.plan.questionTooLong && last) throw tooLong(planned.plan.promptTokens, windowTokens, request)
  report.leaveOut(planned.plan.cut > 0 ? planned.report.leftOut : null)
  hub.tellChat(conversation.id, { type: 'context-changed', context: planned.report })
  stop.throwIfAborted()
  // Before it leaves: whenever this process ends, the answer is found again.
  storage.messages.setReport(answer.id, { ...report.fields(), generation })
  const question = storage.messages.get(answer.parentId!)
  return follow(parts, request, {
    generation,
    after: 0,
    guessed: planned.plan.promptTokens,
    model,
    question: {
      conversation: conversation.id,
      parent: question?.parentId ?? null,
      question: { id: answer.parentId! },
      answer: generation,
      model,
      prompt: { ...planned.prompt, messages: planned.prompt.messages.map(({ role, text }) => ({ role, text }) as PlannedMessage) },
      sampling: { ...settings().sampling, ...conversation.settings.sampling },
    },
  })
}

async function follow(
  { cloud, guess, hub }: CloudAnswerParts,
  request: GenerateRequest,
  {
    generation,
    after,
    guessed,
    model,
    question,
  }: { generation: string; after: number; guessed: number; model: string } & Pick<Parameters<typeof followGeneration>[1], 'question'>,
): Promise<'complete' | 'stopped'> {
  const { conversation, answer, report, stop, onState, onText } = request
  const events = followGeneration(cloud, {
    conversationId: conversation.id,
    agreed: true,
    generation,
    after,
    ...(question && { question }),
    signal: stop,
    onConnecting: () => onState({ at: 'connecting', fraction: null, failure: null }),
    keptMs: KEPT_MS - (Date.now() - answer.createdAt),
  })

  function takeChoice(chosen: string, modelReason: Choice | undefined): void {
    const modelId = cloudModelId(chosen)
    const entry = cloud.models().find(({ id }) => id === modelId)
    const named = { modelId, modelName: entry?.name ?? chosen, quantization: entry?.quantization ?? '' }
    report.chooseCloud({ ...named, ...(modelReason && { modelReason }) })
  }

  function take(seq: number, event: GenerationEvent): 'complete' | 'stopped' | undefined {
    switch (event.type) {
      case 'generation-start':
        if (event.model !== model) takeChoice(event.model, event.modelReason)
        report.warn(event.budgetWarning)
        onState({ at: 'waiting', fraction: null, failure: null })
        return undefined
      case 'queue-wait':
        onState({ at: 'waiting', ahead: event.ahead, fraction: null, failure: null })
        return undefined
      case 'request-retry':
        onState({ at: 'retrying', fraction: null, failure: null })
        return undefined
      case 'model-wake':
        onState({ at: 'waking-model', fraction: null, failure: null })
        return undefined
      case 'prompt-count':
        guess.learn(cloudModelId(model), guessed, event.promptTokens)
        onState({ at: 'prefilling', fraction: null, failure: null })
        return undefined
      case 'reasoning-delta':
      case 'text-delta':
        onState({ at: 'answering', fraction: null, failure: null })
        report.countCloud(event)
        onText(event.type === 'text-delta' ? 'text' : 'reasoning', event.text, seq)
        return undefined
      case 'generation-finish':
        report.countCloud(event)
        return 'complete'
      case 'generation-stop':
        report.countCloud(event)
        return 'stopped'
      case 'generation-fail': {
        report.countCloud(event)
        const { code, detail } = event.failure
        if (code !== 'prompt-too-long') throw Failure.from(event.failure)
        const [tokens, window] = [Number(detail?.tokens), Number(detail?.window)]
        if (!(tokens > 0 && window > 0)) throw Failure.from(event.failure)
        guess.learn(cloudModelId(model), guessed, tokens)
        throw new TooLong(tokens, window)
      }
      case 'server-drain':
        return undefined
    }
  }

  try {
    for (;;) {
      const { done, value } = await unlessAborted(events.next(), stop)
      if (done) throw failure('cloud-odd', { host: cloud.host() })
      const end = take(value.seq, value.event)
      if (end) return end
    }
  } catch (error) {
    if (stop.aborted && stop.reason !== LEAVING) void cancelGeneration(cloud, { conversationId: conversation.id, generation })
    throw error
  } finally {
    events.return().catch(() => {})
    hub.tellChat(conversation.id, { type: 'context-changed', context: null })
  }
}
