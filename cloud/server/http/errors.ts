import { failure } from '@fusion/shared/contract/failures.ts'
import { asApiError, WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * One shape for every error, OpenAI's: `{ error: { message, type, param, code } }`. What is nobody's `Failure` is logged here, once, and told
 * as `internal` without its own words.
 */
export function tellErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => tell(asTold(error as FastifyError), request, reply))
  app.setNotFoundHandler((request, reply) =>
    tell(new WrongRequest('There is no such address here.', { code: 'unknown_url', status: 404 }), request, reply),
  )
}

function tell(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, retryAfter, body } = asApiError(error)
  if (status >= 500 && !(error instanceof Failure)) request.log.error({ err: nameAndPlace(error) }, 'request failed')
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  return reply.code(status).send(body)
}

/** What Fastify refuses by itself, in our words; its own may repeat what was sent. */
function asTold(error: FastifyError): unknown {
  if (error instanceof Failure || error instanceof WrongRequest) return error
  if (error.validation) {
    const [first] = error.validation
    const place = [error.validationContext, ...(first?.instancePath ?? '').split('/').filter(Boolean)].join('.')
    return new WrongRequest(`The request is not of the form that it must have: ${place} ${first?.message ?? 'is wrong'}.`, { param: place })
  }
  if (error.statusCode === 413) return new WrongRequest('The request is too large.', { code: 'request_too_large', status: 413 })
  if (error.statusCode === 415) return new WrongRequest('The request has to be JSON.', { code: 'unsupported_media_type', status: 415 })
  if (error.statusCode === 400) return new WrongRequest('The request could not be read as JSON.')
  return unreachable(error) ? failure('cloud-part-missing') : error
}

/** Postgres or Redis that can't be reached: by the codes of Node's sockets, and Postgres' classes 08 and 57. */
function unreachable(error: Error & { code?: string }): boolean {
  return (
    /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|08...$|57P0.$)/.test(error.code ?? '') ||
    /timeout exceeded when trying to connect|Connection terminated/.test(error.message)
  )
}

/** An error without its message, which may hold what a person wrote. */
const nameAndPlace = (error: unknown) =>
  error instanceof Error
    ? {
        name: error.name,
        code: (error as { code?: string }).code,
        frames: error.stack
          ?.split('\n')
          .filter(line => line.startsWith('    at '))
          .slice(0, 12),
      }
    : { name: typeof error }
