import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { safetyHeaders } from '@fusion/shared/contract/page-files.ts'
import type { Down, Port } from '@fusion/shared/rpc/wire.ts'
import type { Api } from '../api/api.ts'
import type { Log } from '../log.ts'
import { createGate } from './gate.ts'
import { sendPage } from './page.ts'
import { createSockets, type SocketLimits } from './sockets.ts'

export interface HttpServerOptions {
  /** 0 picks one. */
  port: number
  /** The built page. */
  page: string
  log: Log
  /** Called with the port of each page that connects. */
  onPort: (port: Port<unknown, Down>) => void
  limits?: SocketLimits
  /** The local API, which has a gate of its own. */
  api?: Pick<Api, 'owns' | 'handle'>
  /** A second token, good for one session. */
  openCode?: string | null
  /** Within that a request has to be whole, or its connection is closed. */
  requestMs?: number | undefined
}

export interface HttpServer {
  port: number
  token: string
  /** The address to open, token included. */
  address: string
  close(): Promise<void>
}

/** A token is 43 characters; what is much longer is not one. */
const MAX_SESSION_BYTES = 1024

const REQUEST_MS = 10_000

/**
 * The browser's way to the engine, on 127.0.0.1 only: the page's files, `POST /session`, and the WebSocket `/rpc`.
 * Rejects with the system's error (`EADDRINUSE`, `EACCES`) when it can't listen.
 */
export async function startHttpServer({
  port: wantedPort,
  page,
  log,
  onPort,
  limits,
  api,
  openCode = null,
  requestMs = REQUEST_MS,
}: HttpServerOptions): Promise<HttpServer> {
  // Whoever sends its request drop by drop holds a connection no longer than this; a page's requests are whole at once.
  const server = createServer({ headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: requestMs / 2 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(wantedPort, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const gate = createGate(port, openCode)
  const sockets = createSockets(log, onPort, limits)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*$/, '')
    if (api?.owns(path)) return api.handle(request, response)
    for (const [name, value] of Object.entries(safetyHeaders)) response.setHeader(name, value)
    if (!gate.hostIsOurs(request.headers)) return refuse(request, response, 421)
    if (path === '/session') return openSession(request, response)
    // A browser does not tell its page why a socket was refused; this does.
    if (path === '/rpc') return refuse(request, response, gate.hasCookie(request.headers) ? 426 : 401)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(request, response, 405)
    await sendPage(page, request, response)
  }

  async function openSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(request, response, 405)
    if (!gate.originIsOurs(request.headers)) return refuse(request, response, 403)
    const token = await readToken(request)
    const cookie = token === undefined ? undefined : gate.exchange(token)
    if (!cookie) return refuse(request, response, 403)
    response.writeHead(204, { 'set-cookie': cookie, 'cache-control': 'no-store' }).end()
  }

  function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
    log.warn({ status, method: request.method }, 'request refused')
    // The rest of a body is not read: the connection goes with the answer.
    response.writeHead(status, { connection: 'close', 'cache-control': 'no-store' }).end()
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {})
    const { headers } = request
    const status =
      request.url !== '/rpc'
        ? '404 Not Found'
        : !gate.hostIsOurs(headers)
          ? '421 Misdirected Request'
          : !gate.originIsOurs(headers)
            ? '403 Forbidden'
            : !gate.hasCookie(headers)
              ? '401 Unauthorized'
              : undefined
    if (!status) return sockets.accept(request, socket, head)
    log.warn({ status }, 'socket refused')
    // An HTTP server's sockets stay half open: one that the other side never closes would be kept for good.
    socket.once('finish', () => socket.destroy())
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }

  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error({ stack: error instanceof Error ? error.stack : 'unknown' }, 'request failed')
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  server.on('upgrade', upgrade)

  return {
    port,
    token: gate.token,
    address: `http://127.0.0.1:${port}/#token=${gate.token}`,
    async close() {
      sockets.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** The token of a `POST /session`, or undefined when the body is anything but `{ token }`. */
async function readToken(request: IncomingMessage): Promise<string | undefined> {
  let body = ''
  // Not destroyed when it is too long: the refusal still has to go out.
  for await (const chunk of request.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    body += chunk
    if (body.length > MAX_SESSION_BYTES) return undefined
  }
  try {
    const { token } = JSON.parse(body) as { token?: unknown }
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}
