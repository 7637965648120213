import { ServerLost } from './model-server.ts'

export interface Patience {
  firstTokenMs: number
  nextTokenMs: number
}

/**
 * The items of a stream, or `ServerLost` where no token came for too long. The time counts only while the server is waited for: a client that takes
 * nothing is no fault of the server's. `stop` ends the stream's request.
 */
export async function* withPatience<Item>(
  items: AsyncIterable<Item>,
  { isProgress, stop, firstTokenMs, nextTokenMs }: Patience & { isProgress: (item: Item) => boolean; stop: (reason: Error) => void },
): AsyncGenerator<Item, void, void> {
  let leftMs = firstTokenMs
  let timer: NodeJS.Timeout | undefined
  let since = performance.now()
  const wait = () => {
    since = performance.now()
    timer = setTimeout(() => stop(new ServerLost('the model server made no token for too long')), Math.max(1, leftMs))
  }
  wait()
  try {
    for await (const item of items) {
      clearTimeout(timer)
      leftMs = isProgress(item) ? nextTokenMs : leftMs - (performance.now() - since)
      yield item
      wait()
    }
  } finally {
    clearTimeout(timer)
  }
}
