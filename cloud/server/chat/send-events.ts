import type { ServerResponse } from 'node:http'
import { eventId } from '@fusion/shared/contract/cloud/chat.ts'
import { onLeave } from '../http/on-leave.ts'
import type { SeenEvent } from './event-tail.ts'

/** Proxies in front of us end what is silent for a minute; NGINX' own default is 60 s. */
const PING_MS = 15_000
/** A reader that takes nothing for so long is let go: it can ask for the rest when it is back. */
const SLOW_MS = 60_000

/**
 * Writes batches of events as server-sent events, each with its id, as fast as the reader takes them: what it does not take stays in the
 * log. Ends with the batches. `drained`: says at the end that this server is about to end.
 */
export async function sendEvents(
  response: ServerResponse,
  {
    generation,
    batches,
    drained,
    leave,
    slowMs = SLOW_MS,
  }: { generation: string; batches: AsyncIterable<SeenEvent[]>; drained: () => boolean; leave: AbortController; slowMs?: number },
): Promise<void> {
  const ping = setInterval(() => response.writableLength === 0 && response.write(': ping\n\n'), PING_MS)
  onLeave(response, () => leave.abort())
  try {
    for await (const batch of batches) {
      if (!response.write(batch.map(seen => written(generation, seen)).join(''))) await taken(response, leave, slowMs)
      if (leave.signal.aborted) return
    }
    if (drained()) response.write('event: server-drain\ndata: {"type":"server-drain"}\n\n')
  } finally {
    clearInterval(ping)
    response.end()
  }
}

const written = (generation: string, { seq, event }: SeenEvent) =>
  `id: ${eventId(generation, seq)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** Resolves when the reader has taken what was written; lets go of one that takes nothing. */
async function taken(response: ServerResponse, leave: AbortController, slowMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = setTimeout(() => {
    leave.abort()
    response.destroy()
  }, slowMs)
  response.once('drain', resolve)
  leave.signal.addEventListener('abort', () => resolve(), { once: true })
  if (leave.signal.aborted) resolve()
  await promise
  clearTimeout(slow)
  response.off('drain', resolve)
}
