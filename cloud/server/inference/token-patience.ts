import { type EventStream, type ModelServer, ServerLost } from './model-server.ts'

export interface Patience {
  firstTokenMs: number
  nextTokenMs: number
}

/**
 * Counts the time without a token, while the server is waited for alone: a client that takes nothing is no fault of the server's. `stop` is told
 * when it was too long. Between two calls of `came` the first of `wait` counts; `end` is called in any case.
 */
function createTokenClock({ firstTokenMs, nextTokenMs, stop }: Patience & { stop: (reason: Error) => void }) {
  let leftMs = firstTokenMs
  let since = 0
  let waiting = false
  let timer: NodeJS.Timeout | undefined
  let firesAt = Infinity

  /** Of a timer for each token nearly none would fire: one stands, and sees when it fires how much of the time is left. */
  function set(now: number): void {
    clearTimeout(timer)
    firesAt = now + leftMs
    timer = setTimeout(look, Math.max(1, leftMs))
  }
  function look(): void {
    firesAt = Infinity
    if (!waiting) return
    const now = performance.now()
    const goneMs = now - since
    if (goneMs >= leftMs) return stop(new ServerLost('the model server made no token for too long'))
    leftMs -= goneMs
    since = now
    set(now)
  }

  return {
    wait(): void {
      // The time until an answer begins is a part of that until its first token.
      if (waiting) return
      waiting = true
      since = performance.now()
      if (since + leftMs < firesAt) set(since)
    },
    came(isProgress: boolean): void {
      waiting = false
      leftMs = isProgress ? nextTokenMs : leftMs - (performance.now() - since)
    },
    end: () => clearTimeout(timer),
  }
}

/** A streamed answer of a server that is waited for as long as `patience` says; then it throws `ServerLost`, and the request is ended. */
export async function streamInTime(
  server: Pick<ModelServer, 'stream'>,
  path: string,
  body: object,
  { patience, signal }: { patience: Patience; signal: AbortSignal },
): Promise<EventStream & { came(isProgress: boolean): void }> {
  const stop = new AbortController()
  const abort = () => stop.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const clock = createTokenClock({ ...patience, stop: reason => stop.abort(reason) })
  clock.wait()
  function end(): void {
    clock.end()
    signal.removeEventListener('abort', abort)
  }
  try {
    const events = await server.stream(path, body, stop.signal)
    return {
      next() {
        clock.wait()
        return events.next()
      },
      /** Told of each event, before the next one is asked for. */
      came: clock.came,
      leave() {
        end()
        events.leave()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}
