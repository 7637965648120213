import { STATUS_CODES } from 'node:http'
import { failure } from '@fusion/shared/contract/failures.ts'
import { type ApiError, asApiError, WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FailureLabel } from '../telemetry/metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** An error as whoever asked may read it, counted, and logged where it is a fault of ours: for routes that tell it in another shape. */
    told(error: unknown, request: FastifyRequest): ApiError
  }
}

interface Listeners {
  onFailure: (code: FailureLabel) => void
  onFault: (error: unknown, request: FastifyRequest) => void
}

/**
 * One shape for every error, OpenAI's: `{ error: { message, type, param, code } }`, and `failure` beside these where it is one of the contract:
 * three of those are one code of OpenAI's. What is nobody's `Failure` is logged here, once, reported, and told as `internal` without its own words.
 */
export function tellErrors(app: FastifyInstance, { onFailure, onFault }: Listeners): void {
  app.decorate('told', (thrown: unknown, request: FastifyRequest) => {
    const error = asTold(thrown as FastifyError)
    const api = asApiError(error)
    onFailure(error instanceof Failure ? (error.code as FailureLabel) : error instanceof WrongRequest ? 'wrong-request' : 'internal')
    if (api.status >= 500 && !(error instanceof Failure) && !(error instanceof WrongRequest)) {
      request.log.error({ err: error }, 'request failed')
      onFault(error, request)
    }
    return api
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, retryAfter, body } = app.told(error, request)
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    const failed: FailureBody | undefined = error instanceof Failure ? Failure.toBody(error) : undefined
    return send(reply, status, failed ? { error: { ...body.error, failure: failed } } : body)
  })
}

/** Written out here: the schemas of a route say what its own answers are. */
function send(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .serializer(text => text as string)
    .send(JSON.stringify(body))
}

/** The words for what is refused before any route is asked, by the status that says it. */
const refusals: Record<number, { message: string; code: string }> = {
  400: { message: 'The request could not be read.', code: 'bad_request' },
  404: { message: 'There is no such address here.', code: 'unknown_url' },
  405: { message: 'This address does not take that method.', code: 'method_not_allowed' },
  408: { message: 'The request took too long to come.', code: 'request_timeout' },
  413: { message: 'The request is too large.', code: 'request_too_large' },
  414: { message: 'The address is too long.', code: 'url_too_long' },
  415: { message: 'The body is not of a kind that is read here.', code: 'unsupported_media_type' },
  417: { message: 'What the Expect header asks for is not done here.', code: 'expectation_failed' },
  431: { message: 'The headers of the request are too large.', code: 'headers_too_large' },
}

export function refusal(status: number): WrongRequest {
  const { message, code } = refusals[status] ?? { message: `${STATUS_CODES[status] ?? 'Refused'}.`, code: 'bad_request' }
  return new WrongRequest(message, { code, status })
}

/** What Fastify and its plugins refuse by themselves, in our words: theirs may repeat what was sent. */
function asTold(error: FastifyError): unknown {
  if (error instanceof Failure || error instanceof WrongRequest) return error
  if (error.validation) {
    const [first] = error.validation
    const place = [error.validationContext, ...(first?.instancePath ?? '').split('/').filter(Boolean)].join('.').slice(0, 200)
    return new WrongRequest(`The request is not of the form that it must have: ${place} ${first?.message ?? 'is wrong'}.`, { param: place })
  }
  const { statusCode = 500 } = error
  if (statusCode >= 400 && statusCode < 500) return refusal(statusCode)
  return unreachable(error) ? failure('cloud-part-missing') : error
}

/** Postgres or Redis that can't be reached: by the codes of Node's sockets, Postgres' classes 08 and 57, and the words of its client, which has no codes. */
function unreachable(error: Error & { code?: string }): boolean {
  return (
    /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|08...$|57P0.$)/.test(error.code ?? '') ||
    /timeout exceeded when trying to connect|Connection terminated|is not queryable/.test(error.message)
  )
}
