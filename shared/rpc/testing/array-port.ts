import { createReceiver } from '../receiver.ts'
import type { Port } from '../wire.ts'

/** Two ports that are each other's other side, in one process and without delay; closing one closes both. */
export function arrayPorts<Up, Down>(): [Port<unknown, Up>, Port<unknown, Down>] {
  const left = createReceiver()
  const right = createReceiver()
  const close = () => {
    left.end()
    right.end()
  }
  return [
    { post: right.deliver, onMessage: left.onMessage, onClose: left.onClose, close },
    { post: left.deliver, onMessage: right.onMessage, onClose: right.onClose, close },
  ]
}
