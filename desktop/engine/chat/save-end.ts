import { setTimeout as pause } from 'node:timers/promises'
import type { Message } from '@fusion/shared/chat/message.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import type { Finish } from '../storage/messages.ts'

/** How often is tried anew to save an answer. */
const RETRY_MS = 1000
/** What the store can recover from. Anything else it would say again: the message is gone with its chat, or there is a fault in Fusion. */
const PASSING = new Set(['disk-full', 'data-folder-read-only'])

/**
 * Ends an answer in the store, durably. As long as there is no room on the disk, the text is in memory, open pages show it, and this goes
 * on trying; the answer then says that it had to wait. Throws what can't be recovered from, and what there is when `abandon` aborts.
 */
export async function saveEnd({
  save,
  end,
  abandon,
  onTrouble,
  retryMs = RETRY_MS,
}: {
  save: (end: Finish) => Message
  end: Finish
  abandon: AbortSignal
  onTrouble: (failure: FailureBody) => void
  retryMs?: number
}): Promise<Message> {
  let wished = end
  for (;;) {
    try {
      return save(wished)
    } catch (error) {
      const body = Failure.toBody(error)
      if (!PASSING.has(body.code) || abandon.aborted) throw error
      wished = { ...end, status: 'failed', failure: body, finishReason: null }
      onTrouble(body)
      await pause(retryMs, undefined, { signal: abandon }).catch(() => {})
    }
  }
}
