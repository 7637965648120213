import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Connections on which nothing was ever asked are closed when the server closes. Node takes them for busy ones until the time for headers is over, and
 * clients open them ahead of what they may ask (undici does where a request was left): each held up the end of the server for up to its whole drain.
 */
export function closeSilentConnections(app: FastifyInstance): void {
  const open = new Set<Socket>()
  let closing = false
  app.server.on('connection', (socket: Socket) => {
    if (closing) return void socket.destroy()
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  app.addHook('preClose', async () => {
    closing = true
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  })
}
