import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'

/** A failure as a person reads it: what happened, and what to do. */
export function inWords(error: unknown): string {
  const { what, next } = sentence(Failure.toBody(error))
  return `${what} ${next}`
}
