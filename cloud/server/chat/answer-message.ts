import { cloudModelId } from '@fusion/shared/chat/cloud-model.ts'
import type { Part, Segment } from '@fusion/shared/chat/message.ts'
import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import type { DueAnswer } from '../../database/generations.ts'

/** The answer as its conversation keeps it, from its events, of which the last has come. */
export function answerMessage(
  id: string,
  { conversationId, questionId, model, createdAt }: DueAnswer,
  events: readonly GenerationEvent[],
): FinishedMessage {
  const parts: Extract<Part, { text: string }>[] = []
  const segment: Segment = {
    from: 0,
    place: 'cloud',
    reason: 'chosen',
    modelId: cloudModelId(model),
    modelName: model,
    quantization: '',
    backend: '',
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    firstTokenMs: null,
    tokensPerSecond: null,
  }
  const message: FinishedMessage = {
    id,
    conversationId,
    parentId: questionId,
    role: 'assistant',
    parts,
    status: 'failed',
    segments: [segment],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: createdAt.getTime(),
  }
  const append = (type: 'text' | 'reasoning', text: string) => {
    const last = parts.at(-1)
    if (last?.type === type) last.text += text
    else parts.push({ type, text })
  }
  for (const event of events)
    switch (event.type) {
      case 'prompt-count':
        message.leftOut = event.leftOut.messages > 0 ? event.leftOut : null
        break
      case 'reasoning-delta':
        append('reasoning', event.text)
        break
      case 'text-delta':
        append('text', event.text)
        break
      case 'generation-finish':
        message.status = 'complete'
        message.finishReason = event.reason
        Object.assign(segment, event.usage, { firstTokenMs: event.firstTokenMs, tokensPerSecond: oneDecimal(event.tokensPerSecond) })
        break
      case 'generation-stop':
        message.status = 'stopped'
        Object.assign(segment, event.usage)
        break
      case 'generation-fail':
        message.failure = event.failure
        Object.assign(segment, event.usage)
        break
      case 'generation-start':
      case 'queue-wait':
      case 'model-wake':
      case 'request-retry':
      case 'server-drain':
        break
    }
  return message
}

const oneDecimal = (value: number | null) => (value === null ? null : Math.round(value * 10) / 10)
