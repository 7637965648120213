import { type FinishReason, type Message, type PlaceReason, type Segment, textOf } from '@fusion/shared/chat/message.ts'
import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'

/** What is said about an answer when it ends: where it was made, by what, how fast, and what its prompt left out. */
export interface AnswerReport {
  /** undefined until one was chosen. */
  modelId(): string | undefined
  choose(modelId: string, entry: ModelEntry | undefined): void
  chooseCloud(model: Pick<Segment, 'modelId' | 'modelName' | 'quantization' | 'modelReason'>): void
  /** Little is left of what may be used. */
  warn(budgetWarning: Segment['budgetWarning']): void
  loadedOn(backend: string): void
  leaveOut(leftOut: Message['leftOut']): void
  count(event: GenerateEvent): void
  /** The cloud counts itself; only the time to the first token is what this computer saw. */
  countCloud(event: GenerationEvent): void
  /** For the finished message: the segments of what it goes on from, and its own. */
  fields(): Pick<Message, 'segments' | 'leftOut'> & { finishReason: FinishReason | null }
}

/**
 * `startedAt`: when Send was pressed, or the turn could start, by performance.now(); null for an answer that was begun by another process,
 * whose last segment is gone on with.
 */
export function createAnswerReport(answer: Message, reason: PlaceReason, startedAt: number | null): AnswerReport {
  let chosen: string | undefined
  let finishReason: FinishReason | null = null
  let leftOut = startedAt === null ? answer.leftOut : null
  let tokensPerSecond: number | null = null
  let firstAt: number | undefined
  let lastAt = 0
  let tokensAfterFirst = 0
  const begun = startedAt === null ? answer.segments.at(-1) : undefined
  const before = begun ? answer.segments.slice(0, -1) : answer.segments
  const segment: Segment = begun
    ? { ...begun }
    : {
        from: textOf(answer).length,
        place: 'desk',
        reason,
        modelId: '',
        modelName: '',
        quantization: '',
        backend: '',
        promptTokens: 0,
        cachedTokens: 0,
        completionTokens: 0,
        firstTokenMs: null,
        tokensPerSecond: null,
      }

  function countDelta(tokens: number): void {
    lastAt = performance.now()
    if (firstAt === undefined) firstAt = lastAt
    else tokensAfterFirst += tokens
    segment.completionTokens += tokens
  }

  return {
    modelId: () => chosen,
    choose(modelId, entry) {
      chosen = modelId
      segment.modelId = modelId
      segment.modelName = entry?.file.name ?? ''
      segment.quantization = entry?.file.quantization ?? ''
    },
    chooseCloud(model) {
      Object.assign(segment, model, { place: 'cloud' })
    },
    warn(budgetWarning) {
      if (budgetWarning) segment.budgetWarning = budgetWarning
    },
    loadedOn(backend) {
      segment.backend = backend
    },
    leaveOut(messages) {
      leftOut = messages
    },
    count(event) {
      switch (event.type) {
        case 'prompt-ready':
          segment.promptTokens = event.promptTokens
          segment.cachedTokens = event.cachedTokens
          break
        case 'text-delta':
        case 'tool-call-delta':
          countDelta(event.tokens)
          break
        case 'answer-finished':
          // No tools are offered to the model in a chat.
          finishReason = event.reason === 'tool-calls' ? 'stop' : event.reason
          segment.completionTokens = event.completionTokens
          break
        case 'prefill-progress':
        case 'tool-call-started':
          break
      }
    },
    countCloud(event) {
      switch (event.type) {
        case 'reasoning-delta':
        case 'text-delta':
          firstAt ??= performance.now()
          break
        case 'generation-finish':
          finishReason = event.reason
          tokensPerSecond = event.tokensPerSecond
          Object.assign(segment, event.usage)
          if (startedAt === null) segment.firstTokenMs = event.firstTokenMs
          break
        case 'generation-stop':
        case 'generation-fail':
          Object.assign(segment, event.usage)
          break
        case 'generation-start':
        case 'queue-wait':
        case 'model-wake':
        case 'request-retry':
        case 'prompt-count':
        case 'server-drain':
          break
      }
    },
    fields() {
      const decodeMs = firstAt === undefined ? 0 : lastAt - firstAt
      const own: Segment = {
        ...segment,
        firstTokenMs: firstAt === undefined || startedAt === null ? segment.firstTokenMs : oneDecimal(firstAt - startedAt),
        tokensPerSecond: decodeMs > 0 && tokensAfterFirst > 0 ? oneDecimal((tokensAfterFirst / decodeMs) * 1000) : rounded(tokensPerSecond),
      }
      return { segments: [...before, own], leftOut, finishReason }
    },
  }
}

const rounded = (value: number | null) => (value === null ? null : oneDecimal(value))
const oneDecimal = (value: number) => Math.round(value * 10) / 10
