import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { RunningModel } from './running.ts'

/** How an inference process that died is waited for to be understood, before the failure is called a crash of unknown kind. */
const GONE_MS = 2000

/** A lost connection to the inference process is a sign, not a reason: the reason is how the process ended. */
export async function causeOf(error: unknown, loaded: RunningModel): Promise<unknown> {
  if (!(error instanceof Failure) || error.code !== 'disconnected') return error
  const unknown = new Promise<Failure>(resolve => setTimeout(() => resolve(failure('model-crashed')), GONE_MS).unref())
  return Promise.race([loaded.gone, unknown])
}
