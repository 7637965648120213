import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { MAX_TEXT } from '@fusion/shared/contract/engine.ts'
import { type SocketLike, webSocketPort } from '@fusion/shared/rpc/web-socket.ts'
import type { Down, Port } from '@fusion/shared/rpc/wire.ts'
import type { Log } from '../log.ts'

/**
 * The largest message of the contract is a question of 8 million UTF-16 units: 48 MB where each of them is a control character, which JSON
 * writes in six bytes, and a little around it. A larger one closes its socket with 1009, "message too big".
 */
export const MAX_MESSAGE_BYTES = 6 * MAX_TEXT + 1024 * 1024

/** What may wait for a page that does not read. Streams stop at 64 unread items by themselves, so this much is a page that hangs. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** Sleeping laptops and killed tabs leave sockets behind that nobody closes. */
const HEARTBEAT_MS = 25_000

export interface Sockets {
  /** Takes over an upgrade that the gate has let through. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

export interface SocketLimits {
  heartbeatMs?: number
  maxWaitingBytes?: number
}

/** Makes a port for each WebSocket and hands it to `onPort`. Sockets that are silent for two heartbeats, or that do not read, are ended. */
export function createSockets(log: Log, onPort: (port: Port<unknown, Down>) => void, limits: SocketLimits = {}): Sockets {
  const { heartbeatMs = HEARTBEAT_MS, maxWaitingBytes = MAX_WAITING_BYTES } = limits
  // No compression: it costs memory per socket and gains nothing on one machine.
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  const silent = new WeakSet<WebSocket>()

  server.on('connection', socket => {
    socket.on('pong', () => silent.delete(socket))
    socket.on('error', error => log.warn({ code: 'code' in error ? String(error.code) : 'unknown' }, 'page socket failed'))
    onPort(webSocketPort<Down>(bounded(socket)))
  })

  function bounded(socket: WebSocket): SocketLike {
    return {
      get readyState() {
        return socket.readyState
      },
      send(text) {
        socket.send(text, () => {})
        if (socket.bufferedAmount <= maxWaitingBytes) return
        log.warn({ waitingBytes: socket.bufferedAmount }, 'page does not read, its socket is ended')
        socket.terminate()
      },
      close: () => socket.close(1000),
      addEventListener: socket.addEventListener.bind(socket),
    }
  }

  const heartbeat = setInterval(() => {
    for (const socket of server.clients) {
      if (silent.has(socket)) {
        socket.terminate()
        continue
      }
      silent.add(socket)
      socket.ping()
    }
  }, heartbeatMs)
  heartbeat.unref()

  return {
    accept: (request, socket, head) => server.handleUpgrade(request, socket, head, opened => server.emit('connection', opened, request)),
    close() {
      clearInterval(heartbeat)
      // 1001, "going away": the page then dials again, in case the engine comes back.
      for (const socket of server.clients) {
        socket.close(1001)
        socket.terminate()
      }
      server.close()
    },
  }
}
