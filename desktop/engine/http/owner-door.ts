import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Down, Port } from '@fusion/shared/rpc/wire.ts'
import type { Log } from '../log.ts'
import { createSockets } from './sockets.ts'

export interface OwnerDoor {
  /** A socket of the file system, or a named pipe: no browser reaches it, and no other computer. */
  socket: string
  token: string
  close(): Promise<void>
}

/** What the name of a socket may be long: 104 bytes on macOS, 108 on Linux, the last one a zero. */
const MOST_BYTES = 103

/**
 * How the command line gets in where there is no server (Electron): a WebSocket on a local socket, for whoever may read the token in the
 * data folder. `folder` must be held by this process.
 */
export async function openOwnerDoor(parts: { folder: string; log: Log; onPort: (port: Port<unknown, Down>) => void }): Promise<OwnerDoor> {
  const { folder, log, onPort } = parts
  const token = randomBytes(32).toString('base64url')
  const socket = placeFor(folder)
  const isFile = process.platform !== 'win32'
  const sockets = createSockets(log, onPort)
  const server = createServer((_, response) => response.writeHead(426, { connection: 'close' }).end())
  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    connection.on('error', () => {})
    if (equal(request.headers.authorization ?? '', `Bearer ${token}`)) return sockets.accept(request, connection, head)
    log.warn({ status: 401 }, 'socket refused')
    connection.once('finish', () => connection.destroy())
    connection.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  // One that was killed leaves its socket's name behind.
  if (isFile) rmSync(socket, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  if (isFile) chmodSync(socket, 0o600)
  return {
    socket,
    token,
    async close() {
      sockets.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function placeFor(folder: string): string {
  const name = `fusion-${randomBytes(8).toString('hex')}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  const own = join(folder, 'engine.sock')
  return Buffer.byteLength(own) <= MOST_BYTES ? own : join(tmpdir(), `${name}.sock`)
}

/** Takes the same time wherever the two differ. */
function equal(offered: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(offered), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
