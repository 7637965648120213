import { Value } from 'typebox/value'
import type { Contract, Handlers } from './contract.ts'
import { Failure } from './failure.ts'
import { type Down, idOf, MAX_RUNNING, type Port, STREAM_WINDOW, Up } from './wire.ts'

type Handler = (input: unknown, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>

interface Running {
  controller: AbortController
  credit: number
  wake: (() => void) | undefined
}

export interface ServeOptions {
  /** Called with what was thrown and is nobody's `Failure`: a bug. The caller sees only `internal`. Must not throw. */
  onBug?: (path: string, error: unknown) => void
}

/**
 * Answers every call that arrives on `port` until the port closes; closing cancels what is still running.
 * A stream is pulled only while its reader has asked for items, so a slow reader holds back its producer, not the memory.
 * A message that is not of the wire's form is ignored when it has no id, and answered with `bad-input` when it has one. A call keeps its
 * place among the running ones until its handler has ended, also after it was cancelled.
 */
export function serve<C extends Contract>(contract: C, handlers: Handlers<C>, port: Port<unknown, Down>, options: ServeOptions = {}): void {
  const running = new Map<number, Running>()

  async function answer(id: number, path: string, input: unknown, call: Running): Promise<void> {
    const [group = '', name = '', ...rest] = path.split('.')
    const procedures = Object.hasOwn(contract, group) ? contract[group] : undefined
    const procedure = procedures && rest.length === 0 && Object.hasOwn(procedures, name) ? procedures[name] : undefined
    if (!procedure) throw new Failure('not-found', 'There is no such call')
    if (!Value.Check(procedure.input, input)) throw new Failure('bad-input', 'The call did not have the form it should have')
    const { signal } = call.controller
    const handler = handlers[group]![name] as Handler
    const result = handler(input, signal)
    if (procedure.kind === 'call') return port.post({ type: 'end', id, value: await result })
    const items = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    try {
      for (;;) {
        // Asked before every wait: a cancellation that came while the last item was made has nobody left to wake.
        signal.throwIfAborted()
        if (call.credit === 0) {
          await new Promise<void>(resolve => (call.wake = resolve))
          continue
        }
        const next = await items.next()
        signal.throwIfAborted()
        if (next.done) return port.post({ type: 'end', id })
        call.credit--
        port.post({ type: 'item', id, value: next.value })
      }
    } finally {
      await items.return?.()
    }
  }

  async function run(id: number, path: string, input: unknown): Promise<void> {
    const call: Running = { controller: new AbortController(), credit: STREAM_WINDOW, wake: undefined }
    running.set(id, call)
    try {
      await answer(id, path, input, call)
    } catch (error) {
      const body = Failure.toBody(error)
      port.post({ type: 'error', id, error: body })
      if (body.code === 'internal') options.onBug?.(path, error)
    } finally {
      running.delete(id)
    }
  }

  function cancel(call: Running, reason: Failure): void {
    call.controller.abort(reason)
    call.wake?.()
  }

  /** A number that is in use ends its call for this reason: there is one answer to each number, whoever mixed them up. */
  function refuse(id: number, reason: Failure): void {
    const call = running.get(id)
    if (call) cancel(call, reason)
    else port.post({ type: 'error', id, error: Failure.toBody(reason) })
  }

  port.onMessage(message => {
    if (!Value.Check(Up, message)) {
      const id = idOf(message)
      if (id !== undefined) refuse(id, new Failure('bad-input', 'The message did not have the form it should have'))
      return
    }
    const { id } = message
    const call = running.get(id)
    switch (message.type) {
      case 'call':
        if (call) return refuse(id, new Failure('bad-input', 'This call number is in use'))
        if (running.size >= MAX_RUNNING) return refuse(id, new Failure('overloaded', 'Too many calls at once', { retryable: true }))
        void run(id, message.path, message.input)
        return
      case 'cancel':
        if (call) cancel(call, new Failure('cancelled', 'Cancelled'))
        return
      case 'more':
        if (!call) return
        call.credit = Math.min(call.credit + message.items, STREAM_WINDOW)
        call.wake?.()
    }
  })
  port.onClose(() => {
    for (const call of running.values()) cancel(call, new Failure('cancelled', 'The caller went away'))
  })
}
