import type { ModelFile } from '@fusion/shared/contract/model.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { type InferenceProcess, startInference } from './inference-process.ts'
import type { InferenceProgram } from './program.ts'

export interface Checker {
  /** Reads and hashes a model file in a process of its own, where a file made to harm can harm nothing. */
  check(path: string, onProgress: (fraction: number) => void, signal: AbortSignal): Promise<{ file: ModelFile; hash: string }>
}

/** One process for checks that come together; it ends with the last of them. */
export function createChecker({ program, log }: { program: InferenceProgram; log: Log }): Checker {
  let shared: { process: InferenceProcess; users: number } | undefined

  return {
    async check(path, onProgress, signal) {
      const mine = (shared ??= { process: startInference(program, log), users: 0 })
      mine.users++
      const { client } = mine.process
      try {
        const file = await client.model.inspect({ path }, { signal })
        for await (const event of client.model.hash({ path }, { signal })) {
          if (event.type === 'hash-finished') return { file, hash: event.hash }
          onProgress(event.fraction)
        }
        throw failure('model-corrupt', { file: file.name })
      } catch (error) {
        const died = error instanceof Failure && error.code === 'disconnected'
        if (died && shared === mine) shared = undefined
        // A file that ends the process that reads it is not whole, whatever else it is.
        throw died ? failure('model-corrupt', { file: path.split(/[\\/]/).at(-1) ?? '' }, { cause: error }) : error
      } finally {
        mine.users--
        if (mine.users === 0) {
          if (shared === mine) shared = undefined
          await mine.process.end()
        }
      }
    },
  }
}
