import type { IncomingMessage, ServerResponse } from 'node:http'
import { failure } from '@fusion/shared/contract/failures.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

/** A prompt of the largest window there is (a million tokens) is some 5 MB. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024
/** Of all requests under way: those that wait keep their prompts in memory, and some thirty large ones could take all of a small computer's. */
const MAX_HELD_BYTES = 256 * 1024 * 1024

/** Schemas are what goes deepest, two levels for each of theirs. At some thousands, what is sent to inference has no place on the stack. */
const MAX_DEPTH = 250

/** Reads bodies of requests; what it read counts until the response is closed. Throws `overloaded` where that is too much in all. */
export function createBodyReader(maxHeldBytes = MAX_HELD_BYTES): (request: IncomingMessage, response: ServerResponse) => Promise<unknown> {
  let held = 0
  return (request, response) => {
    let own = 0
    response.once('close', () => (held -= own))
    return readBody(request, bytes => {
      own += bytes
      held += bytes
      if (held > maxHeldBytes) throw failure('overloaded', undefined, { retryable: true })
    })
  }
}

/** The body of a request as JSON; `count` is told of each piece. Throws OpenAI's 400, 413 or 415. What is too large is not read to its end. */
async function readBody(request: IncomingMessage, count: (bytes: number) => void): Promise<unknown> {
  const tooLarge = () => new WrongRequest('The body of the request is larger than 32 MB.', { status: 413, code: 'request_too_large' })
  const type = request.headers['content-type']
  if (type !== undefined && !/^application\/([\w.-]+\+)?json\b/i.test(type)) {
    throw new WrongRequest('The body of the request must be JSON (content-type: application/json).', { status: 415 })
  }
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // Not destroyed when it is too long: the refusal still has to go out.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    count(chunk.length)
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  const body = parsed(Buffer.concat(chunks))
  if (isDeeperThan(body, MAX_DEPTH)) throw new WrongRequest(`The body of the request is nested more than ${MAX_DEPTH} deep.`)
  return body
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new WrongRequest('The body of the request is not valid JSON.')
  }
}

/** Level by level, since what calls itself for each level is what such a body breaks. */
function isDeeperThan(body: unknown, levels: number): boolean {
  let level = [body].filter(isNested)
  for (let depth = 0; depth < levels && level.length > 0; depth++) {
    level = level.flatMap(value => (Array.isArray(value) ? value : Object.values(value)).filter(isNested))
  }
  return level.length > 0
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null
