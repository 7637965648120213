import type { IncomingMessage } from 'node:http'
import { newId } from '@fusion/shared/contract/ids.ts'

const MAX_LENGTH = 128

/** The id that the client or a proxy gave to a request, where it is fit for a log line; else a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && wellFormed(given) ? given : newId()
}

/** Letters, digits, `-`, `_` and `.`: nothing that a log, a shell or a page would read as more than a name. */
function wellFormed(id: string): boolean {
  return id.length > 0 && id.length <= MAX_LENGTH && /^[\w.-]+$/.test(id)
}
