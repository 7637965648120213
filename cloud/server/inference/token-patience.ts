import { ServerLost } from './model-server.ts'

export interface Patience {
  firstTokenMs: number
  nextTokenMs: number
}

/**
 * Counts the time without a token, while the server is waited for alone: a client that takes nothing is no fault of the server's. `stop` is told
 * when it was too long. `wait` and `came` are called in turn, `end` in any case.
 */
export function createTokenClock({ firstTokenMs, nextTokenMs, stop }: Patience & { stop: (reason: Error) => void }) {
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

/** The items of a stream, or `ServerLost` where no token came for too long. `stop` ends the stream's request. */
export async function* withPatience<Item>(
  items: AsyncIterable<Item>,
  { isProgress, ...patience }: Patience & { isProgress: (item: Item) => boolean; stop: (reason: Error) => void },
): AsyncGenerator<Item, void, void> {
  const clock = createTokenClock(patience)
  clock.wait()
  try {
    for await (const item of items) {
      clock.came(isProgress(item))
      yield item
      clock.wait()
    }
  } finally {
    clock.end()
  }
}
