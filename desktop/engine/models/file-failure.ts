import { failure } from '@fusion/shared/contract/failures.ts'
import type { Failure } from '@fusion/shared/rpc/failure.ts'

/** The failure that an error of the file system is to a person. */
export function fileFailure(error: unknown, { file, folder }: { file: string; folder: string }): Failure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return failure('disk-full', undefined, { cause: error })
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return failure('data-folder-read-only', { folder }, { cause: error })
  return failure('copy-failed', { file }, { cause: error, retryable: true })
}
