import { Value } from 'typebox/value'
import type { Client, Contract, Options } from './contract.ts'
import { Failure } from './failure.ts'
import { Down, idOf, type Port, STREAM_WINDOW, type Up } from './wire.ts'

const disconnected = () => new Failure('disconnected', 'The connection to the engine was lost', { retryable: true })
const cancelled = () => new Failure('cancelled', 'Cancelled')

/**
 * A typed client for `contract` over `port`. Leaving a `for await` early, or aborting the signal, cancels the call; the caller is told
 * at once (`cancelled`), the other side stops as soon as it can. When the port closes, every open call and stream throws `disconnected`;
 * `subscribe` in link.ts opens streams again.
 */
export function connect<C extends Contract>(contract: C, port: Port<unknown, Up>): Client<C> {
  const inboxes = new Map<number, (message: Down) => void>()
  let lastId = 0
  let closed = false
  const fail = (id: number, failure: unknown) => inboxes.get(id)?.({ type: 'error', id, error: Failure.toBody(failure) })

  port.onMessage(message => {
    if (Value.Check(Down, message)) return inboxes.get(message.id)?.(message)
    // An answer that can't be read is an answer nevertheless: whoever waits for it must not wait for ever.
    const id = idOf(message)
    if (id !== undefined) fail(id, new Error('unreadable answer'))
  })
  port.onClose(() => {
    closed = true
    for (const id of inboxes.keys()) fail(id, disconnected())
  })

  async function* receive(path: string, input: unknown, signal: AbortSignal | undefined): AsyncGenerator<unknown, unknown, void> {
    if (closed) throw disconnected()
    if (signal?.aborted) throw cancelled()
    const id = ++lastId
    let queue: Down[] = []
    let wake = Promise.withResolvers<void>()
    let settled = false
    const stopFor = (reason: unknown) => {
      // What arrived before and was not read yet is not wanted any more.
      queue = []
      fail(id, reason)
      inboxes.delete(id)
      port.post({ type: 'cancel', id })
    }
    const stop = () => stopFor(cancelled())
    inboxes.set(id, message => {
      // Whoever sends more than was asked for would fill our memory.
      if (message.type === 'item' && queue.length >= STREAM_WINDOW) return stopFor(new Error('more items than asked for'))
      queue.push(message)
      wake.resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
    let taken = 0
    try {
      port.post({ type: 'call', id, path, input })
      for (;;) {
        const message = queue.shift()
        if (!message) {
          await wake.promise
          wake = Promise.withResolvers<void>()
        } else if (message.type === 'item') {
          yield message.value
          // Credit goes back when the reader has taken an item, not when it arrived: a reader that stops holds the sender.
          if (++taken === STREAM_WINDOW / 2) {
            port.post({ type: 'more', id, items: taken })
            taken = 0
          }
        } else {
          settled = true
          if (message.type === 'error') throw Failure.from(message.error)
          return message.value
        }
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      if (!settled) stop()
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
