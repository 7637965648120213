import { Value } from 'typebox/value'
import type { Contract, Handlers } from './contract.ts'
import { Failure } from './failure.ts'
import { type Down, MAX_RUNNING, type Port, STREAM_WINDOW, Up } from './wire.ts'

type Handler = (input: unknown, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>

interface Running {
  controller: AbortController
  credit: number
  wake: (() => void) | undefined
}

export interface ServeOptions {
  /** Called with what was thrown and is nobody's `Failure`: a bug. The caller sees only `internal`. */
  onBug?: (path: string, error: unknown) => void
}

/**
 * Answers every call that arrives on `port` until the port closes; closing cancels what is still running.
 * A stream is pulled only while its reader has asked for items, so a slow reader holds back its producer, not the memory.
 * A message that is not of the wire's form is ignored when it has no id, and answered with `bad-input` when it has one.
 */
export function serve<C extends Contract>(contract: C, handlers: Handlers<C>, port: Port<unknown, Down>, options: ServeOptions = {}): void {
  const running = new Map<number, Running>()

  async function answer(id: number, path: string, input: unknown, call: Running): Promise<void> {
    const [group = '', name = '', ...rest] = path.split('.')
    const procedures = Object.hasOwn(contract, group) ? contract[group] : undefined
    const procedure = procedures && rest.length === 0 && Object.hasOwn(procedures, name) ? procedures[name] : undefined
    if (!procedure) throw new Failure('not-found', 'There is no such call')
    if (!Value.Check(procedure.input, input)) throw new Failure('bad-input', 'The call did not have the form it should have')
    const handler = handlers[group]![name] as Handler
    const result = handler(input, call.controller.signal)
    if (procedure.kind === 'call') return port.post({ type: 'end', id, value: await result })
    const items = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    try {
      for (;;) {
        if (call.credit === 0) await new Promise<void>(resolve => (call.wake = resolve))
        call.controller.signal.throwIfAborted()
        const next = await items.next()
        if (next.done) return port.post({ type: 'end', id })
        call.credit--
        port.post({ type: 'item', id, value: next.value })
      }
    } finally {
      await items.return?.()
    }
  }

  function start(id: number, path: string, input: unknown): void {
    if (running.has(id))
      return port.post({ type: 'error', id, error: Failure.toBody(new Failure('bad-input', 'This call number is in use')) })
    if (running.size >= MAX_RUNNING)
      return port.post({
        type: 'error',
        id,
        error: Failure.toBody(new Failure('overloaded', 'Too many calls at once', { retryable: true })),
      })
    const call: Running = { controller: new AbortController(), credit: STREAM_WINDOW, wake: undefined }
    running.set(id, call)
    answer(id, path, input, call)
      .catch((error: unknown) => {
        const body = Failure.toBody(error)
        if (body.code === 'internal') options.onBug?.(path, error)
        port.post({ type: 'error', id, error: body })
      })
      .finally(() => running.delete(id))
  }

  function cancel(call: Running): void {
    const reason = new Failure('cancelled', 'Cancelled')
    call.controller.abort(reason)
    call.wake?.()
  }

  port.onMessage(message => {
    if (!Value.Check(Up, message)) {
      const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined
      if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) {
        port.post({
          type: 'error',
          id,
          error: Failure.toBody(new Failure('bad-input', 'The message did not have the form it should have')),
        })
      }
      return
    }
    if (message.type === 'call') return start(message.id, message.path, message.input)
    const call = running.get(message.id)
    if (!call) return
    if (message.type === 'cancel') return cancel(call)
    call.credit = Math.min(call.credit + message.items, STREAM_WINDOW)
    call.wake?.()
    call.wake = undefined
  })
  port.onClose(() => running.forEach(cancel))
}
