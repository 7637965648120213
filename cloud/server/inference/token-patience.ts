import { ServerLost } from './model-server.ts'

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

interface Waiting {
  until: AbortSignal
  wait(): void
  came(isProgress: boolean): void
  end(): void
}

/**
 * What a server is asked, for as long as its patience lasts: `until` ends it where no token came for too long (with `ServerLost`), or where `signal`
 * does. It waits from now on, and again from each `wait` behind a `came`; `end` is called in any case.
 */
export function beginWaiting(patience: Patience, signal: AbortSignal): Waiting {
  const stop = new AbortController()
  const leave = () => stop.abort(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  const clock = createTokenClock({ ...patience, stop: reason => stop.abort(reason) })
  clock.wait()
  return {
    until: stop.signal,
    wait: clock.wait,
    came: clock.came,
    end(): void {
      clock.end()
      signal.removeEventListener('abort', leave)
    },
  }
}
