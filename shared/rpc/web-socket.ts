import { createReceiver } from './receiver.ts'
import type { Port } from './wire.ts'

/** What a browser's WebSocket and the one of `ws` have in common. */
export interface SocketLike {
  readonly readyState: number
  send(text: string): void
  close(): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close' | 'error', listener: () => void): void
}

/** `readyState` of a socket that closes or is closed is higher. */
const OPEN = 1

/**
 * A port over an open WebSocket, in JSON text; one that is still connecting throws on `post`, as sockets do.
 * A frame that is not JSON text (broken, binary) reaches the listener as `undefined`, which no message is.
 */
export function webSocketPort<Out>(socket: SocketLike): Port<unknown, Out> {
  const receiver = createReceiver()
  socket.addEventListener('message', event => receiver.deliver(parse(event.data)))
  socket.addEventListener('close', receiver.end)
  // `ws` throws an error nobody listens for; a close always follows it, and tells all that there is to do.
  socket.addEventListener('error', () => {})
  if (socket.readyState > OPEN) receiver.end()
  return {
    post(message) {
      if (!receiver.ended && socket.readyState <= OPEN) socket.send(JSON.stringify(message))
    },
    onMessage: receiver.onMessage,
    onClose: receiver.onClose,
    close() {
      receiver.end()
      socket.close()
    },
  }
}

function parse(data: unknown): unknown {
  if (typeof data !== 'string') return undefined
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
