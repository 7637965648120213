import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { newId } from '@fusion/shared/contract/ids.ts'
import { asApiError } from '@fusion/shared/openai/failure.ts'
import type { FastifyBaseLogger } from 'fastify'
import { refusal } from './errors.ts'

const statuses: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/**
 * What Node's parser refuses before there is a request: too large headers, too slow ones, lengths that contradict each other, bytes that are no
 * HTTP. Said in the shape of every error; then the connection is closed, since nobody knows where on it the next request would begin.
 */
export function refuseUnreadable(log: FastifyBaseLogger, error: NodeJS.ErrnoException, socket: Socket): void {
  const status = statuses[error.code ?? ''] ?? 400
  const request = newId()
  // A connection that the client has ended is no fault of anybody's.
  if (error.code !== 'ECONNRESET') log.info({ reqId: request, status, code: error.code }, 'request unreadable')
  if (!socket.writable || replyUnderWay(socket)) {
    socket.destroy()
    return
  }
  const body = JSON.stringify(asApiError(refusal(status)).body)
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      `x-request-id: ${request}`,
      '',
      body,
    ].join('\r\n'),
  )
}

/** Node keeps the reply that a connection is in the midst of here, and looks there for the same reason: another head would become a part of it. */
function replyUnderWay(socket: Socket & { _httpMessage?: { headersSent: boolean } }): boolean {
  return socket._httpMessage?.headersSent ?? false
}
