import { createReceiver } from './receiver.ts'
import type { Port } from './wire.ts'

interface Sender {
  postMessage(message: unknown): void
  start(): void
  close(): void
}
/** The MessagePort of a browser and of Node's worker threads. */
export interface EventPort extends Sender {
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: () => void): void
}
/** Electron's MessagePortMain, as a utility process gets it: an emitter whose messages are events nevertheless. */
export interface EmitterPort extends Sender {
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown
  on(event: 'close', listener: () => void): unknown
}

/**
 * A port over a MessagePort, by structured clone. Node and Electron's main side tell when the other side is gone. A browser's own
 * MessagePort does not (seen in Chromium 156): there, whoever handed it over has to say so, and somebody to call `close`.
 */
export function messagePort<Out>(port: EventPort | EmitterPort): Port<unknown, Out> {
  const receiver = createReceiver()
  const deliver = (event: { data: unknown }) => receiver.deliver(event.data)
  if ('addEventListener' in port) {
    port.addEventListener('message', deliver)
    port.addEventListener('close', receiver.end)
  } else {
    port.on('message', deliver)
    port.on('close', receiver.end)
  }
  port.start()
  return {
    post(message) {
      if (!receiver.ended) port.postMessage(message)
    },
    onMessage: receiver.onMessage,
    onClose: receiver.onClose,
    close() {
      receiver.end()
      port.close()
    },
  }
}
