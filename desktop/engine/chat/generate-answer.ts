import { cloudModelName } from '@fusion/shared/chat/cloud-model.ts'
import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'
import { causeOf } from '../models/cause-of.ts'
import type { Loaded, Models } from '../models/models.ts'
import type { AnswerReport } from './answer-report.ts'
import { keepsState } from './keeps-state.ts'
import type { ModelChoice } from './model-choice.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { answerFromCloud, type CloudAnswerParts } from './answer-from-cloud.ts'
import { exactCounter } from './token-counter.ts'

export interface GenerateParts extends CloudAnswerParts {
  models: Models
  choice: ModelChoice
}

export interface GenerateRequest {
  conversation: Conversation
  /** Its parent is the question; its text, where there is some, is gone on from. */
  answer: Message
  report: AnswerReport
  stop: AbortSignal
  onState: (state: Pick<TurnState, 'at' | 'ahead' | 'fraction' | 'failure'>) => void
  /** `event`: the cloud's number of the event that it came with. */
  onText: (part: 'text' | 'reasoning', text: string, event?: number) => void
  /** Resolves when the person agrees that this question leaves the computer. */
  agreed: Promise<void>
  /** An answer of the cloud that another process of this engine began. */
  resume?: { generation: string; event: number } | undefined
}

/** From the choice of a model to the last token. Throws the failure that a person is told, `cancelled` when it was stopped here. */
export async function generateAnswer(parts: GenerateParts, request: GenerateRequest): Promise<'complete' | 'stopped'> {
  const { models, choice } = parts
  const { conversation, report, stop, onState } = request
  const cloudModel = cloudModelName(request.resume ? request.answer.segments.at(-1)!.modelId : conversation.settings.modelId)
  if (cloudModel !== undefined) return answerFromCloud(parts, request, cloudModel)
  const modelId = await choice.known(conversation.settings.modelId, stop)
  if (!modelId) throw failure('model-missing')
  report.choose(
    modelId,
    models.state().entries.find(entry => entry.id === modelId),
  )
  const loaded = await acquireWithState(parts, request, modelId)
  report.loadedOn(loaded.loaded.backend)
  onState({ at: 'waiting', fraction: null, failure: null })
  try {
    await answerWith(loaded, parts, request)
    return 'complete'
  } catch (error) {
    throw await causeOf(error, loaded)
  } finally {
    loaded.release()
  }
}

/** The model, with the chat's KV state in it where one is kept. */
async function acquireWithState(
  { storage, models, settings }: GenerateParts,
  { conversation, stop, onState }: GenerateRequest,
  modelId: string,
): Promise<Loaded> {
  const onProgress = (fraction: number) => onState({ at: 'loading-model', fraction, failure: null })
  onProgress(0)
  const loaded = await models.acquire(modelId, { signal: stop, onProgress })
  // Asked now: while the model was loading, somebody may have wished that nothing be kept.
  if (!keepsState(storage.conversations.get(conversation.id) ?? conversation, settings())) return loaded
  await models.openState(conversation.id, modelId)
  if (models.ready(modelId) === loaded) return loaded
  // Loading a state that kills its process gives a new process.
  loaded.release()
  return models.acquire(modelId, { signal: stop, onProgress })
}

async function answerWith(loaded: Loaded, { storage, planner, settings, hub }: GenerateParts, request: GenerateRequest): Promise<void> {
  const { conversation, answer, report, stop } = request
  const path = storage.messages.path(answer.parentId)
  const {
    plan,
    prompt,
    report: context,
  } = await planner.plan({
    counter: exactCounter(loaded),
    conversation,
    path,
    answerStart: textOf(answer),
    signal: stop,
  })
  if (plan.questionTooLong) {
    const model = report.fields().segments.at(-1)?.modelName || 'the model'
    throw failure('prompt-too-long', { tokens: plan.promptTokens, window: context.windowTokens, model })
  }
  if (plan.cut > 0) report.leaveOut(context.leftOut)
  hub.tellChat(conversation.id, { type: 'context-changed', context })
  stop.throwIfAborted()
  const sampling = { ...settings().sampling, ...conversation.settings.sampling }
  const events = loaded.client.chat.generate({ chatId: conversation.id, prompt, sampling, priority: 0 }, { signal: stop })
  await takeAll(events, request)
}

/** Reads events until the end or the stop: a stop does not wait for the batch that the inference process is computing. */
async function takeAll(events: AsyncGenerator<GenerateEvent, void, void>, request: GenerateRequest): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await unlessAborted(events.next(), request.stop)
      if (done) return
      take(value, request)
    }
  } finally {
    events.return().catch(() => {})
  }
}

function take(event: GenerateEvent, { report, onState, onText }: GenerateRequest): void {
  report.count(event)
  switch (event.type) {
    case 'prompt-ready':
      onState({ at: 'prefilling', fraction: 0, failure: null })
      break
    case 'prefill-progress':
      onState({ at: 'prefilling', fraction: event.total > 0 ? event.done / event.total : 1, failure: null })
      break
    case 'text-delta':
      onState({ at: 'answering', fraction: null, failure: null })
      onText(event.part, event.text)
      break
    case 'tool-call-started':
    case 'tool-call-delta':
    case 'answer-finished':
      break
  }
}
