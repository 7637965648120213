import { setTimeout as pause } from 'node:timers/promises'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'

/**
 * A stream of whole states: the present one, then each new one. A reader that is behind gets the newest only, as does everybody when changes
 * come sooner than `apartMs` after the last state: the last one is always told.
 */
export async function* tellStates<T>(
  read: () => T,
  listen: (tell: () => void) => () => void,
  { signal, apartMs = 0 }: { signal: AbortSignal; apartMs?: number },
): AsyncGenerator<T, void, void> {
  const mailbox = createMailbox<{ changed: true }>({ signal, merge: last => last })
  const unsubscribe = listen(() => mailbox.push({ changed: true }))
  try {
    yield read()
    for await (const _ of mailbox) {
      yield read()
      if (apartMs > 0) await pause(apartMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    unsubscribe()
  }
}
