import { PORT_FOR_PAGE } from '@fusion/shared/contract/shell.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { webSocketPort } from '@fusion/shared/rpc/web-socket.ts'
import type { Port, Up } from '@fusion/shared/rpc/wire.ts'

export type Dial = () => Promise<Port<unknown, Up>>

/**
 * Inside Electron the preload hands over a MessagePort at each start of the engine, and says without a port that the engine has ended.
 * Every port is used once, and only the newest leads to an engine.
 */
export function dialElectron(target: Window): Dial {
  let waiting = Promise.withResolvers<MessagePort>()
  let arrived = false
  let present: Port<unknown, Up> | undefined
  target.addEventListener('message', event => {
    // Frames can post here too, but this page has none, and the preload's messages come from the window itself.
    if (event.source !== target || event.data !== PORT_FOR_PAGE) return
    // Chromium's MessagePort does not tell that its other side is gone.
    present?.close()
    present = undefined
    if (arrived) waiting = Promise.withResolvers()
    const port = event.ports[0]
    arrived = port !== undefined
    if (port) waiting.resolve(port)
  })
  return async () => {
    const port = await waiting.promise
    waiting = Promise.withResolvers()
    arrived = false
    present = messagePort<Up>(port)
    return present
  }
}

/** In a browser the engine is where the page came from. Rejects when the socket does not open. */
export function dialBrowser(address: Location): Dial {
  return () =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${address.protocol === 'https:' ? 'wss' : 'ws'}://${address.host}/rpc`)
      socket.addEventListener('open', () => resolve(webSocketPort<Up>(socket)), { once: true })
      socket.addEventListener('close', () => reject(new Error('The engine did not answer')), { once: true })
    })
}
