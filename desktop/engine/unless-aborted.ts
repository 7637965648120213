import { failure } from '@fusion/shared/contract/failures.ts'

/** What `promise` gives, or `cancelled` as soon as the signal aborts; then the promise is left to end by itself. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(failure('cancelled'))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    aborted.promise.catch(() => {})
    promise.catch(() => {})
  }
}
