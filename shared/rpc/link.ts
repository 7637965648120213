import { connect } from './connect.ts'
import type { Client, Contract, Options } from './contract.ts'
import { Failure, isCancelled } from './failure.ts'
import type { Port, Up } from './wire.ts'

export type LinkState = 'connecting' | 'online' | 'lost'

export interface Link<C extends Contract> {
  /** The client of the present port. A call while the link is lost waits for the next port; a call cut off by a lost port throws `disconnected`. */
  client(options?: Options): Promise<Client<C>>
  /**
   * Reads a stream for as long as the link lives: when the port is lost it is opened anew, so its first items must again tell everything.
   * `onItem` is called in order. Ends when `signal` aborts or the stream ends; throws what the stream throws, but for `disconnected` and `fell-behind`.
   */
  subscribe<T>(open: (client: Client<C>, options: Options) => AsyncIterable<T>, onItem: (item: T) => void, options?: Options): Promise<void>
  onState(listener: (state: LinkState) => void): () => void
  close(): void
}

/** A lost port, or a reader that was too slow: both are mended by a fresh subscription, which begins with the whole state. */
const SUBSCRIBE_AGAIN = new Set(['disconnected', 'fell-behind'])

export interface LinkOptions {
  /** Wait before the n-th try to connect again, in ms. */
  backOffMs?: (attempt: number) => number
}

/** Keeps a port to a server: dials, and dials again when the port is lost. `dial` rejects when there is nobody there. */
export function createLink<C extends Contract>(contract: C, dial: () => Promise<Port<unknown, Up>>, options: LinkOptions = {}): Link<C> {
  const backOffMs = options.backOffMs ?? (attempt => Math.min(100 * 2 ** attempt, 3000))
  const listeners = new Set<(state: LinkState) => void>()
  let state: LinkState = 'connecting'
  let port: Port<unknown, Up> | undefined
  let present = Promise.withResolvers<Client<C>>()
  let timer: unknown
  let closed = false

  function enter(next: LinkState): void {
    if (state === next) return
    state = next
    for (const listener of listeners) listener(next)
  }

  function dialAgain(attempt: number): void {
    if (closed) return
    timer = setTimeout(() => void open(attempt), backOffMs(attempt))
  }

  async function open(attempt: number): Promise<void> {
    try {
      const next = await dial()
      if (closed) return next.close()
      port = next
      const client = connect(contract, next)
      next.onClose(() => {
        if (port !== next || closed) return
        port = undefined
        present = Promise.withResolvers<Client<C>>()
        enter('lost')
        dialAgain(0)
      })
      // A port can close between its dialling and our listening; then onClose has replaced `present` and this client is never given out.
      if (port === next) {
        present.resolve(client)
        enter('online')
      }
    } catch {
      enter('lost')
      dialAgain(attempt + 1)
    }
  }

  async function client({ signal }: Options = {}): Promise<Client<C>> {
    if (closed) throw new Failure('disconnected', 'The connection to the engine was closed')
    if (!signal) return present.promise
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const stop = () => aborted.reject(new Failure('cancelled', 'Cancelled'))
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await Promise.race([present.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async function subscribe<T>(
    openStream: (client: Client<C>, options: Options) => AsyncIterable<T>,
    onItem: (item: T) => void,
    { signal }: Options = {},
  ): Promise<void> {
    for (;;) {
      try {
        for await (const item of openStream(await client({ signal }), { signal })) onItem(item)
        return
      } catch (error) {
        if (signal?.aborted && isCancelled(error)) return
        if (closed || !(error instanceof Failure) || !SUBSCRIBE_AGAIN.has(error.code)) throw error
      }
    }
  }

  void open(0)
  return {
    client,
    subscribe,
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      closed = true
      clearTimeout(timer)
      port?.close()
      present.promise.catch(() => {})
      present.reject(new Failure('disconnected', 'The connection to the engine was closed'))
    },
  }
}
