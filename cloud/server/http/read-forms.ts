import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance } from 'fastify'

const MAX_FORM = 32_768

/** Lets the routes of this plugin take forms as well: an object of their fields. A field that comes twice is refused (RFC 6749, 3.2). */
export function readForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: MAX_FORM }, (_request, body, done) => {
    const fields = [...new URLSearchParams(String(body))]
    const twice = fields.length !== new Set(fields.map(([name]) => name)).size
    if (twice) done(new WrongRequest('A field of the form came twice.'))
    else done(null, Object.fromEntries(fields))
  })
}
