import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Calls } from '../state/fusion.ts'
import type { EngineContract } from '@fusion/shared/contract/engine.ts'

/** The contract's limit for one chunk: 1 MiB, which is 1,398,104 characters of base64. */
const CHUNK = 1024 * 1024

export interface Upload {
  copyId: string
  cancel: () => void
  /** The model's id, once the file was copied whole and checked. */
  done: Promise<string>
}

/** Copies a file that the browser gives without its path into the data folder, a chunk at a time, and has it checked there. */
export async function uploadModel(models: Calls<EngineContract>['models'], file: File): Promise<Upload> {
  const { copyId } = await models.beginCopy({ name: file.name.slice(-255), bytes: file.size })
  const controller = new AbortController()

  async function copy(): Promise<string> {
    try {
      for (let at = 0; at < file.size; at += CHUNK) {
        if (controller.signal.aborted) throw failure('cancelled')
        const data = await base64(file.slice(at, at + CHUNK), file.name)
        await models.copyChunk({ copyId, at, data })
      }
    } catch (error) {
      await models.cancelCopy({ copyId }).catch(() => {}) // the copy may be gone already, and the first failure tells more
      throw error
    }
    const { modelId } = await models.finishCopy({ copyId })
    return modelId
  }
  return { copyId, cancel: () => controller.abort(new Failure('cancelled', 'Cancelled')), done: copy() }
}

/** The browser's own encoder, off the main thread: a data address, cut behind its comma. */
function base64(chunk: Blob, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => {
      const address = reader.result as string
      resolve(address.slice(address.indexOf(',') + 1))
    })
    reader.addEventListener('error', () => reject(failure('file-unreadable', { file: name }, { cause: reader.error })))
    reader.readAsDataURL(chunk)
  })
}
