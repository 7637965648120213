import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Storage } from '../storage/storage.ts'

/** Closes the answers that an engine that was killed left growing, and says so in them. Throws `disk-full`. */
export function closeInterrupted({ messages }: Pick<Storage, 'messages'>, log: Log): void {
  const interrupted = Failure.toBody(failure('interrupted'))
  for (const { id, segments, leftOut } of messages.growing()) {
    try {
      messages.finish(id, { status: 'failed', segments, finishReason: null, failure: interrupted, leftOut })
    } catch (error) {
      if (reasonOf(error) === 'disk-full') throw error
      // One that is damaged does not keep all others from their start.
      log.warn({ messageId: id, error: reasonOf(error) }, 'interrupted answer not closed')
    }
  }
}
