import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyInstance } from 'fastify'
import { lastPage } from './sign-in-page.ts'
import { sendPage } from './page.ts'

/** People in a browser read what went wrong on a page, not in JSON. */
export function tellErrorsAsPages(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, retryAfter, body } = app.told(error, request)
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    const title = error instanceof Failure ? 'That did not work' : status < 500 ? 'This address is not whole' : 'Something went wrong'
    return sendPage(reply, { ...lastPage(title, body.error.message), status })
  })
}
