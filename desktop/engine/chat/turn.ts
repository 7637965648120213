import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import { Failure, isCancelled } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { framesOf, reasonOf } from '../log-error.ts'
import type { Finish } from '../storage/messages.ts'
import { createAnswerReport } from './answer-report.ts'
import type { BegunAnswer } from './begin-answer.ts'
import { generateAnswer, type GenerateParts, type GenerateRequest } from './generate-answer.ts'
import { createGrowingAnswer } from './growing-answer.ts'
import { LEAVING } from './leaving.ts'
import { saveEnd } from './save-end.ts'

export interface TurnParts extends GenerateParts {
  log: Log
}

export interface TurnRequest
  extends Pick<BegunAnswer, 'conversation' | 'answer' | 'reason'>, Pick<GenerateRequest, 'stop' | 'onState' | 'agreed' | 'resume'> {
  /** null: begun by another process. */
  startedAt: number | null
  /** The end need not be saved at any price: the engine is closing, or the chat is deleted for good. */
  abandon: AbortSignal
  /** Given once: writes to the store what was made since the last write. */
  onGrowing: (flush: () => void) => void
}

export interface Turn {
  /** `growing`: it is taken up again at the next start of the engine. */
  status: Message['status']
  /** undefined where there was no model to answer with. */
  modelId: string | undefined
}

/**
 * One answer, from the choice of a model to the durable end: `complete`, `stopped` or `failed`. Never throws: what went wrong stands in the
 * message, and what was written is kept.
 */
export async function runTurn(parts: TurnParts, request: TurnRequest): Promise<Turn> {
  const { storage, hub, log } = parts
  const { conversation, answer, onState } = request
  const conversationId = conversation.id
  const report = createAnswerReport(answer, request.reason, request.startedAt)
  const trouble = new AbortController()
  let placed = request.resume !== undefined
  const growing = createGrowingAnswer({
    hub,
    grow(messageId, part, text, event) {
      // Once, with the first words: an answer that ends with this process says where it was made, too, and what it did not see.
      if (!placed) storage.messages.setReport(messageId, report.fields())
      placed = true
      storage.messages.grow(messageId, part, text, event)
    },
    conversationId,
    messageId: answer.id,
    lengths: { text: textOf(answer).length, reasoning: reasoningLength(answer) },
    onTrouble: error => trouble.abort(error),
  })
  request.onGrowing(growing.flush)
  let seamTold = answer.segments.length === 0 || request.resume !== undefined
  const onText: typeof growing.append = (part, text, event) => {
    // Where it goes on is told with its first word: a line put into the text later would move what is being read.
    if (!seamTold)
      hub.tellChat(conversationId, { type: 'segment-changed', messageId: answer.id, segment: report.fields().segments.at(-1)! })
    seamTold = true
    growing.append(part, text, event)
  }

  async function outcome(): Promise<Pick<Finish, 'status' | 'failure'>> {
    const stop = AbortSignal.any([request.stop, trouble.signal])
    try {
      const { agreed, resume } = request
      return { status: await generateAnswer(parts, { conversation, answer, report, stop, onState, onText, agreed, resume }), failure: null }
    } catch (error) {
      if (trouble.signal.aborted) return { status: 'failed', failure: Failure.toBody(trouble.signal.reason) }
      if (request.stop.aborted && isCancelled(error)) return { status: 'stopped', failure: null }
      const failure = Failure.toBody(error)
      if (failure.code === 'internal') log.error({ conversationId, error: reasonOf(error), stack: framesOf(error) }, 'turn failed')
      return { status: 'failed', failure }
    }
  }

  const { status, failure } = await outcome()
  if (request.stop.reason === LEAVING && storage.messages.generationOf(answer.id)) {
    growing.leave()
    log.info({ conversationId }, 'answer of the cloud left')
    return { status: 'growing', modelId: undefined }
  }
  const { segments, leftOut, finishReason } = report.fields()
  let end: Finish = { status, failure, segments, leftOut, finishReason: status === 'complete' ? finishReason : null }
  try {
    end = await saveEnd({
      end,
      abandon: request.abandon,
      onTrouble: because => onState({ at: 'paused', fraction: null, failure: because }),
      save(wished) {
        growing.flush()
        return storage.messages.finish(answer.id, wished)
      },
    })
  } catch (error) {
    // What reached the disk is kept, and marked as interrupted at the next start.
    log.warn({ conversationId, error: reasonOf(error), stack: framesOf(error) }, 'answer not saved')
    end.status = 'failed'
  }
  growing.close()
  const { completionTokens: tokens, promptTokens, cachedTokens, modelId } = end.segments.at(-1)!
  log.info(
    { conversationId, modelId, status: end.status, failure: end.failure?.code, tokens, promptTokens, cachedTokens },
    'answer finished',
  )
  return { status: end.status, modelId: report.modelId() }
}

function reasoningLength(message: Message): number {
  return message.parts.reduce((sum, part) => sum + (part.type === 'reasoning' ? part.text.length : 0), 0)
}
