import { Value } from 'typebox/value'
import type { Client, Contract, Options } from './contract.ts'
import { Failure } from './failure.ts'
import { Down, type Port, STREAM_WINDOW, type Up } from './wire.ts'

const disconnected = () => new Failure('disconnected', 'The connection to the engine was lost', { retryable: true })

/**
 * A typed client for `contract` over `port`. Leaving a `for await` early, or aborting the signal, cancels the call.
 * When the port closes, every open call and stream throws `disconnected`; `subscribe` in link.ts opens streams again.
 */
export function connect<C extends Contract>(contract: C, port: Port<unknown, Up>): Client<C> {
  const inboxes = new Map<number, (message: Down) => void>()
  let lastId = 0
  let closed = false
  port.onMessage(message => {
    if (Value.Check(Down, message)) inboxes.get(message.id)?.(message)
  })
  port.onClose(() => {
    closed = true
    const error = Failure.toBody(disconnected())
    for (const [id, deliver] of inboxes) deliver({ type: 'error', id, error })
  })

  async function* receive(path: string, input: unknown, signal: AbortSignal | undefined): AsyncGenerator<unknown, unknown, void> {
    if (closed) throw disconnected()
    signal?.throwIfAborted()
    const id = ++lastId
    let queue: Down[] = []
    let wake = Promise.withResolvers<void>()
    inboxes.set(id, message => {
      queue.push(message)
      wake.resolve()
    })
    const cancel = () => port.post({ type: 'cancel', id })
    signal?.addEventListener('abort', cancel, { once: true })
    let settled = false
    let taken = 0
    port.post({ type: 'call', id, path, input })
    try {
      for (;;) {
        await wake.promise
        wake = Promise.withResolvers<void>()
        const messages = queue
        queue = []
        for (const message of messages) {
          if (message.type === 'item') {
            // Credit goes back when the reader has taken an item, not when it arrived: a reader that stops holds the sender.
            yield message.value
            if (++taken === STREAM_WINDOW / 2) {
              port.post({ type: 'more', id, items: taken })
              taken = 0
            }
            continue
          }
          settled = true
          if (message.type === 'error') throw Failure.from(message.error)
          return message.value
        }
      }
    } finally {
      if (!settled) cancel()
      signal?.removeEventListener('abort', cancel)
      inboxes.delete(id)
    }
  }

  const client: Record<string, Record<string, unknown>> = {}
  for (const [group, procedures] of Object.entries(contract)) {
    const methods: Record<string, unknown> = (client[group] = {})
    for (const [name, { kind }] of Object.entries(procedures)) {
      const open = (input: unknown, { signal }: Options = {}) => receive(`${group}.${name}`, input, signal)
      methods[name] = kind === 'stream' ? open : async (input: unknown, options?: Options) => (await open(input, options).next()).value
    }
  }
  return client as Client<C>
}
