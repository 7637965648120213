import { ServerLost } from './model-server.ts'

export interface Patience {
  firstTokenMs: number
  nextTokenMs: number
}

/**
 * Of an answer of which nothing comes while it is made: whether its server makes tokens for others, or for a trial, within so many ms. Never throws.
 */
export type IsWell = (withinMs: number) => Promise<boolean> | boolean

/**
 * Counts the time without a token, while the server is waited for alone: a client that takes nothing is no fault of the server's. `stop` is told
 * when it was too long, and `isWell` does not know better: then as long as for a next token is waited again. Between two calls of `came` the first of `wait` counts; `end` is called in any case.
 */
function createTokenClock({
  firstTokenMs,
  nextTokenMs,
  isWell,
  stop,
}: Patience & { isWell: IsWell | undefined; stop: (reason: Error) => void }) {
  let leftMs = firstTokenMs
  let since = 0
  let waiting = false
  let timer: NodeJS.Timeout | undefined
  let firesAt = Infinity
  /** Counts what came, so that an answer about a silence is not taken for one about the next. */
  let comings = 0
  let ended = false

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
    if (goneMs >= leftMs) return void askWhetherWell()
    leftMs -= goneMs
    since = now
    set(now)
  }

  async function askWhetherWell(): Promise<void> {
    const before = comings
    const well = isWell !== undefined && (await isWell(nextTokenMs))
    if (ended || comings !== before) return
    if (!well) return stop(new ServerLost('the model server made no token for too long'))
    leftMs = nextTokenMs
    since = performance.now()
    set(since)
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
      comings += 1
      leftMs = isProgress ? nextTokenMs : leftMs - (performance.now() - since)
    },
    end(): void {
      ended = true
      clearTimeout(timer)
    },
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
 * does; `isWell` is for what is not streamed, or hides tokens. It waits from now on, and again from each `wait` behind a `came`; `end` is called in any case.
 */
export function beginWaiting(patience: Patience, signal: AbortSignal, isWell?: IsWell): Waiting {
  const stop = new AbortController()
  const leave = () => stop.abort(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  const clock = createTokenClock({ ...patience, isWell, stop: reason => stop.abort(reason) })
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
