import { Type, type Static } from 'typebox'

const MAX_MESSAGE = 2000

/** A failure as it crosses a wire. `detail` holds names and numbers for the sentence a person reads, never what people wrote. */
export const FailureBody = Type.Object({
  code: Type.String({ maxLength: 64 }),
  message: Type.String({ maxLength: MAX_MESSAGE }),
  retryable: Type.Boolean(),
  detail: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
})
export type FailureBody = Static<typeof FailureBody>
export type FailureDetail = NonNullable<FailureBody['detail']>

/** A failure somebody is expected to handle. Anything else thrown is a bug and crosses the wire as `internal`. */
export class Failure<Code extends string = string> extends Error {
  readonly code: Code
  readonly retryable: boolean
  readonly detail: FailureDetail | undefined

  constructor(code: Code, message: string, options: { cause?: unknown; retryable?: boolean; detail?: FailureDetail | undefined } = {}) {
    super(message, { cause: options.cause })
    this.name = 'Failure'
    this.code = code
    this.retryable = options.retryable ?? false
    this.detail = options.detail
  }

  static from(body: FailureBody): Failure {
    return new Failure(body.code, body.message, { retryable: body.retryable, detail: body.detail })
  }

  static toBody(error: unknown): FailureBody {
    if (error instanceof Failure) {
      const body: FailureBody = { code: error.code, message: error.message.slice(0, MAX_MESSAGE), retryable: error.retryable }
      return error.detail ? { ...body, detail: error.detail } : body
    }
    if (error instanceof Error && error.name === 'AbortError') return { code: 'cancelled', message: 'Cancelled', retryable: false }
    return { code: 'internal', message: 'Something went wrong inside Fusion', retryable: false }
  }
}

/** True for the failure that a cancelled call ends with, on either side. */
export function isCancelled(error: unknown): boolean {
  return (error instanceof Failure && error.code === 'cancelled') || (error instanceof Error && error.name === 'AbortError')
}
