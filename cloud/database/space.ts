import { failure } from '@fusion/shared/contract/failures.ts'
import type { Queryable } from './connection.ts'

/**
 * The first statement of every write: takes the lock of the user's space until the commit, so that no version can be read before an earlier
 * one. What is asked after it sees all that was committed.
 */
export async function lockSpace(tx: Queryable): Promise<void> {
  try {
    await tx.prepared('select lock_space()', [])
  } catch (error) {
    if ((error as { code?: string }).code === 'FU001') throw failure('not-allowed')
    throw error
  }
}

/** The version of this write, above all before it. */
export async function takeVersion(tx: Queryable): Promise<number> {
  const [taken] = await tx.prepared<{ version: number }>('select take_version() as version', [])
  return taken!.version
}
