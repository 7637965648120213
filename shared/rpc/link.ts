import { connect } from './connect.ts'
import type { Client, Contract, Options } from './contract.ts'
import { Failure } from './failure.ts'
import type { Port, Up } from './wire.ts'

export type LinkState = 'connecting' | 'online' | 'lost'

export interface Link<C extends Contract> {
  /** The client of the present port. A call while the link is lost waits for the next port; a call cut off by a lost port throws `disconnected`. */
  client(options?: Options): Promise<Client<C>>
  /**
   * Reads a stream for as long as the link lives: when the port is lost it is opened anew, so its first items must again tell everything.
   * `onItem` is called in order. Ends when `signal` aborts, the stream ends or the link is closed; throws what the stream throws, but for
   * `disconnected` and `fell-behind`.
   */
  subscribe<T>(open: (client: Client<C>, options: Options) => AsyncIterable<T>, onItem: (item: T) => void, options?: Options): Promise<void>
  /** Tells each change of state; a link begins as `connecting`. Returns what takes the listener off. */
  onState(listener: (state: LinkState) => void): () => void
  close(): void
}

/** A lost port, or a reader that was too slow: both are mended by a fresh subscription, which begins with the whole state. */
const SUBSCRIBE_AGAIN = new Set(['disconnected', 'fell-behind'])
const SUBSCRIBE_AGAIN_MS = 50

/** A port that lived shorter counts as one more failed try, so that a server which hangs up at once is not dialled ten times a second. */
const STEADY_MS = 5000

export interface LinkOptions {
  /** Wait before the n-th try (from 0) to connect again, in ms. */
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
    if (state === next || closed) return
    state = next
    for (const listener of listeners) listener(next)
  }

  function dialAgain(attempt: number): void {
    if (closed) return
    timer = setTimeout(() => void open(attempt + 1), backOffMs(attempt))
  }

  async function open(attempt: number): Promise<void> {
    let next: Port<unknown, Up>
    try {
      next = await dial()
    } catch {
      enter('lost')
      return dialAgain(attempt)
    }
    if (closed) return next.close()
    port = next
    const openedAt = Date.now()
    const client = connect(contract, next)
    next.onClose(() => {
      if (port !== next || closed) return
      port = undefined
      present = Promise.withResolvers<Client<C>>()
      enter('lost')
      dialAgain(Date.now() - openedAt < STEADY_MS ? attempt : 0)
    })
    // A port can close between its dialling and our listening; then onClose has replaced `present` and this client is never given out.
    if (port !== next) return
    present.resolve(client)
    enter('online')
  }

  async function client({ signal }: Options = {}): Promise<Client<C>> {
    if (closed) throw new Failure('disconnected', 'The connection to the engine was closed')
    if (!signal) return present.promise
    const aborted = Promise.withResolvers<never>()
    const stop = () => aborted.reject(new Failure('cancelled', 'Cancelled'))
    if (signal.aborted) stop()
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
        if (!(error instanceof Failure)) throw error
        if (signal?.aborted && error.code === 'cancelled') return
        if (!SUBSCRIBE_AGAIN.has(error.code)) throw error
        if (closed) return
        // A server that fails each subscription at once must not be asked anew without a breath.
        await new Promise<void>(resolve => setTimeout(resolve, SUBSCRIBE_AGAIN_MS))
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
