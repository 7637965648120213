// The example served over each real transport of Fusion.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { WebSocket, WebSocketServer } from 'ws'
import { childProcessPort } from '../child-process.ts'
import { messagePort } from '../message-port.ts'
import { serve } from '../serve.ts'
import { webSocketPort } from '../web-socket.ts'
import type { Port, Up } from '../wire.ts'
import { createExample, exampleContract } from './example.ts'

export interface Served {
  port: Port<unknown, Up>
  /** Ends the side of the server as a crash or a lost connection would. */
  breakOff(): void
  close(): Promise<void>
}

async function overMessagePort(): Promise<Served> {
  const { port1, port2 } = new MessageChannel()
  const { handlers, options } = createExample()
  serve(exampleContract, handlers, messagePort(port1), options)
  return { port: messagePort(port2), breakOff: () => port1.close(), close: async () => port2.close() }
}

async function overChildProcess(): Promise<Served> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/example-child.ts`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const exit = once(child, 'exit')
  return {
    port: childProcessPort(child),
    breakOff: () => child.kill('SIGKILL'),
    async close() {
      child.kill()
      await exit
    },
  }
}

async function overWebSocket(): Promise<Served> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { handlers, options } = createExample()
  server.on('connection', socket => serve(exampleContract, handlers, webSocketPort(socket), options))
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(socket, 'open')
  return {
    port: webSocketPort(socket),
    breakOff: () => server.clients.forEach(client => client.terminate()),
    async close() {
      server.clients.forEach(client => client.terminate())
      server.close()
      await once(server, 'close')
    },
  }
}

export const realPorts: { name: string; open: () => Promise<Served> }[] = [
  { name: 'a MessagePort', open: overMessagePort },
  { name: 'a child process', open: overChildProcess },
  { name: 'a WebSocket', open: overWebSocket },
]
