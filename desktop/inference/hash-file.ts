import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { partsOf } from './gguf/parts.ts'

/** A percent at a time is enough for a bar. */
const STEP = 0.01

/** SHA-256 of a model file, in hex; of a split model, of all its parts one after the other. Yields the fraction read, and returns the hash. */
export async function* hashModel(path: string, signal: AbortSignal): AsyncGenerator<number, string, void> {
  const hash = createHash('sha256')
  const parts = partsOf(path)
  try {
    const total = parts.reduce((sum, part) => sum + statSync(part).size, 0)
    let read = 0
    let told = 0
    for (const part of parts) {
      for await (const chunk of createReadStream(part, { highWaterMark: 4 << 20, signal }) as AsyncIterable<Buffer>) {
        hash.update(chunk)
        read += chunk.length
        const fraction = total === 0 ? 1 : read / total
        if (fraction - told < STEP) continue
        told = fraction
        yield fraction
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw missing
      ? failure('model-file-gone', { model: basename(path) })
      : failure('file-unreadable', { file: basename(path) }, { cause: error })
  }
  return hash.digest('hex')
}
