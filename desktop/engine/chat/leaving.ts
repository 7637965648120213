import { failure } from '@fusion/shared/contract/failures.ts'

/** Why a turn is stopped when the engine closes: an answer of the cloud then goes on there, and is taken up at the next start. */
export const LEAVING = failure('cancelled')
