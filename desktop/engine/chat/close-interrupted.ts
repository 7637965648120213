import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { KEPT_MS } from './answer-from-cloud.ts'
import type { Turns } from './turns.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Storage } from '../storage/storage.ts'

/**
 * Closes the answers that an engine that was killed left growing, and says so in them; those of the cloud go on, as long as it keeps them.
 * Throws `disk-full`.
 */
export function closeInterrupted({ messages }: Pick<Storage, 'messages'>, turns: Pick<Turns, 'resume'>, log: Log): void {
  const interrupted = Failure.toBody(failure('interrupted'))
  for (const message of messages.growing()) {
    const { id, segments, leftOut } = message
    try {
      const from = segments.at(-1)?.place === 'cloud' ? messages.generationOf(id) : undefined
      if (from && Date.now() - message.createdAt < KEPT_MS) {
        turns.resume(message, from)
        continue
      }
      messages.finish(id, { status: 'failed', segments, finishReason: null, failure: interrupted, leftOut })
    } catch (error) {
      if (reasonOf(error) === 'disk-full') throw error
      // One that is damaged does not keep all others from their start.
      log.warn({ messageId: id, error: reasonOf(error) }, 'interrupted answer not closed')
    }
  }
}
