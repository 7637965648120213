import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { webSocketPort } from '@fusion/shared/rpc/web-socket.ts'
import type { Port, Up } from '@fusion/shared/rpc/wire.ts'

export type Dial = () => Promise<Port<unknown, Up>>

/** Inside Electron the preload hands over a MessagePort at each start of the engine; every port is used once, and only the newest leads to an engine. */
export function dialElectron(target: Window): Dial {
  let waiting = Promise.withResolvers<MessagePort>()
  let arrived = false
  target.addEventListener('message', event => {
    const port = event.ports[0]
    // Frames can post here too, but this page has none, and the preload's messages come from the window itself.
    if (event.source !== target || event.data !== 'fusion-port' || !port) return
    // An engine that crashed before its port was used has left a dead one here.
    if (arrived) waiting = Promise.withResolvers()
    arrived = true
    waiting.resolve(port)
  })
  return async () => {
    const port = await waiting.promise
    waiting = Promise.withResolvers()
    arrived = false
    return messagePort<Up>(port)
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
