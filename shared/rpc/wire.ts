import { Type, type Static } from 'typebox'
import { FailureBody } from './failure.ts'

/** Items a stream may send before the reader has asked for more. Half of it is given back at a time. */
export const STREAM_WINDOW = 64

/** Calls one port may have running; the next one is refused as `overloaded`. */
export const MAX_RUNNING = 256

const Id = Type.Integer({ minimum: 1 })

export const Up = Type.Union([
  Type.Object({ type: Type.Literal('call'), id: Id, path: Type.String({ maxLength: 100 }), input: Type.Unknown() }),
  Type.Object({ type: Type.Literal('more'), id: Id, items: Type.Integer({ minimum: 1, maximum: STREAM_WINDOW }) }),
  Type.Object({ type: Type.Literal('cancel'), id: Id }),
])
export type Up = Static<typeof Up>

export const Down = Type.Union([
  Type.Object({ type: Type.Literal('item'), id: Id, value: Type.Unknown() }),
  Type.Object({ type: Type.Literal('end'), id: Id, value: Type.Optional(Type.Unknown()) }),
  Type.Object({ type: Type.Literal('error'), id: Id, error: FailureBody }),
])
export type Down = Static<typeof Down>

/** The number of a message that is otherwise not of the wire's form, so that whoever waits under it can be told. */
export function idOf(message: unknown): number | undefined {
  const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined
  return typeof id === 'number' && Number.isInteger(id) && id >= 1 ? id : undefined
}

/** All a transport has to be: a MessagePort, a WebSocket, a child process, or two arrays in a test. `post` to a closed port does nothing. */
export interface Port<In, Out> {
  post(message: Out): void
  /** One listener. What arrived before it was set is kept for it. */
  onMessage(listener: (message: In) => void): void
  /** Called once, whichever side closed; at once when the port is closed already. */
  onClose(listener: () => void): void
  close(): void
}
