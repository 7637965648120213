import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance } from 'fastify'
import { refusal } from './errors.ts'

/** Deeper than any request of the contract; what walks a body recursively is safe by far. */
const MAX_DEPTH = 64
/** Lists, objects and members: each takes memory that its bytes don't show (16 MB of `[` would become a gigabyte). */
const MAX_VALUES = 1_000_000

/**
 * Bodies are JSON, or what their route says instead: no compressed ones, whose size nobody knows before. Too deep and too many-valued ones are refused before they are
 * read; `__proto__` and `constructor.prototype` always are.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    // A client that names JSON for every request may leave out the body where none is asked for.
    if (text === '' && !request.routeOptions.config.described?.body) return done(null, undefined)
    const wrong = tooMuch(text)
    if (wrong) return done(wrong)
    void parse(request, text, done)
  })
  app.addHook('onRequest', ({ headers, routeOptions }, _reply, done) => {
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
      return done(new WrongRequest('The request has to come uncompressed.', { code: 'unsupported_media_type', status: 415 }))
    const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
    const described = routeOptions.config.described
    // What another route reads is not what this one's schema describes.
    const isRead = (kind: string) =>
      kind === (described?.bodyType ?? 'application/json') || (described?.alsoJson && kind === 'application/json')
    done(described?.body && type && !isRead(type) ? refusal(415) : undefined)
  })
}

/** Looks at nothing but brackets, commas and quotes: whether it is JSON is for the parser to say. */
export function tooMuch(text: string): WrongRequest | undefined {
  let depth = 0
  let values = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '"') index = endOfString(text, index)
    if (character === ']' || character === '}') depth--
    if (character === '[' || character === '{') depth++
    else if (character !== ',') continue
    values++
    if (depth > MAX_DEPTH) return new WrongRequest(`The request is nested more than ${MAX_DEPTH} levels deep.`, { code: 'too_deep' })
    if (values > MAX_VALUES) return new WrongRequest('The request holds too many values.', { code: 'too_many_values' })
  }
  return undefined
}

/** Whether lists and objects stand in each other more than so many times. */
export function isDeeperThan(text: string, most: number): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '"') index = endOfString(text, index)
    else if (character === ']' || character === '}') depth--
    else if ((character === '[' || character === '{') && ++depth > most) return true
  }
  return false
}

/** Where the string that opens at `start` closes: long texts are skipped, not looked through. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let first = quote
    while (text[first - 1] === '\\') first--
    if ((quote - first) % 2 === 0) return quote
  }
  return text.length
}
