import { readSync } from 'node:fs'
import { failure } from '@fusion/shared/contract/failures.ts'

/** Reads numbers and strings of a GGUF file in order, never past its end. */
export interface FileReader {
  readonly at: number
  u8(): number
  u32(): number
  /** Sizes and counts: above 2^53 they can only be wrong. */
  u64(): number
  i64(): number
  skip(bytes: number): void
  text(maxBytes: number): string
  skipText(): void
  bytes(count: number): Buffer
}

const CHUNK = 1 << 20

/** `file` is its name, for the failure; `size` its length in bytes. A value that would lie past the end is `model-corrupt`. */
export function createFileReader(descriptor: number, size: number, file: string): FileReader {
  let chunk = Buffer.alloc(0)
  let chunkAt = 0
  let at = 0

  function take(count: number): Buffer {
    if (!(count >= 0) || at + count > size) throw failure('model-corrupt', { file })
    if (at < chunkAt || at + count > chunkAt + chunk.length) {
      chunk = Buffer.alloc(Math.min(Math.max(count, CHUNK), size - at))
      chunkAt = at
      let filled = 0
      while (filled < chunk.length) {
        const got = readSync(descriptor, chunk, filled, chunk.length - filled, at + filled)
        // The file became shorter while it was read.
        if (got === 0) throw failure('model-corrupt', { file })
        filled += got
      }
    }
    const taken = chunk.subarray(at - chunkAt, at - chunkAt + count)
    at += count
    return taken
  }

  function u64(): number {
    const value = take(8).readBigUInt64LE()
    if (value > Number.MAX_SAFE_INTEGER) throw failure('model-corrupt', { file })
    return Number(value)
  }

  function skip(bytes: number): void {
    if (!(bytes >= 0) || at + bytes > size) throw failure('model-corrupt', { file })
    at += bytes
  }

  return {
    get at() {
      return at
    },
    u8: () => take(1).readUInt8(),
    u32: () => take(4).readUInt32LE(),
    u64,
    i64: () => Number(take(8).readBigInt64LE()),
    skip,
    text(maxBytes) {
      const length = u64()
      if (length > maxBytes) throw failure('model-corrupt', { file })
      return take(length).toString('utf8')
    },
    skipText: () => skip(u64()),
    bytes: take,
  }
}
