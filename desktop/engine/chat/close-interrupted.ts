import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Storage } from '../storage/storage.ts'

/** Closes the answers that an engine that was killed left growing, and says so in them. */
export function closeInterrupted({ messages }: Pick<Storage, 'messages'>): void {
  const interrupted = Failure.toBody(failure('interrupted'))
  for (const { id, segments, leftOut } of messages.growing()) {
    messages.finish(id, { status: 'failed', segments, finishReason: null, failure: interrupted, leftOut })
  }
}
