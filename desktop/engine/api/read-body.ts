import type { IncomingMessage } from 'node:http'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

/** A prompt of the largest window there is (a million tokens) is some 5 MB. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024

/** Schemas are what goes deepest, two levels for each of theirs. At some thousands, what is sent to inference has no place on the stack. */
const MAX_DEPTH = 250

/** The body of a request as JSON. Throws OpenAI's 400, 413 or 415. What is too large is not read to its end. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
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
