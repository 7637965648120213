import { readdirSync, rmSync } from 'node:fs'
import { mkdir, open, rm, statfs, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '@fusion/shared/contract/ids.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Failure } from '@fusion/shared/rpc/failure.ts'
import { fileFailure } from './file-failure.ts'

/** Files that come without a path, in pieces. Until one is whole it lies hidden under a name of its own. */
export interface Copies {
  begin(input: { name: string; bytes: number }): Promise<{ copyId: string; name: string }>
  /** Pieces come in order; returns the fraction that is there. A failure ends the copy and removes what was written. */
  chunk(input: { copyId: string; at: number; data: string }): Promise<number>
  /** Resolves with where the whole file lies, to be checked and renamed. */
  finish(copyId: string): Promise<{ path: string; name: string }>
  cancel(copyId: string): Promise<void>
  close(): Promise<void>
}

interface Copy {
  name: string
  path: string
  file: FileHandle
  bytes: number
  received: number
  /** Calls for one copy are done one after the other. */
  busy: Promise<unknown>
}

const PREFIX = '.copy-'
/** What a disk needs for everything else: a full one stops chats from being saved. */
const SPARE_BYTES = 200e6
const MOST_COPIES = 8

/** A name from anywhere as the name of a file: no folders, no hidden or reserved names, in GGUF's ending. */
export function safeName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? ''
  const stem = base
    .replace(/\.gguf$/i, '')
    .replace(/[\p{C}<>:"|?*]/gu, '')
    .replace(/^[.\s]+|[.\s]+$/g, '')
    .slice(0, 120)
  // Windows opens devices by these names, whatever the ending.
  const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(stem)
  return `${stem === '' || reserved ? 'model' : stem}.gguf`
}

/** Copies into `folder`. What an earlier engine left half-way is removed. */
export function createCopies(folder: string): Copies {
  const copies = new Map<string, Copy>()
  removeRests(folder)

  async function drop(copyId: string, copy: Copy): Promise<void> {
    copies.delete(copyId)
    await copy.file.close().catch(() => {})
    await rm(copy.path, { force: true })
  }

  /** One call after the other; what fails ends the copy. */
  async function inTurn<T>(copyId: string, work: (copy: Copy) => Promise<T>): Promise<T> {
    const copy = copies.get(copyId)
    if (!copy) throw failure('not-found')
    const result = copy.busy.then(async () => {
      if (copies.get(copyId) !== copy) throw failure('not-found')
      try {
        return await work(copy)
      } catch (error) {
        await drop(copyId, copy)
        throw asFailure(error, copy.name)
      }
    })
    copy.busy = result.catch(() => {})
    return result
  }

  const asFailure = (error: unknown, file: string): Failure =>
    error instanceof Error && error.name === 'Failure' ? (error as Failure) : fileFailure(error, { file, folder })

  return {
    async begin({ name, bytes }) {
      const safe = safeName(name)
      if (copies.size >= MOST_COPIES) throw failure('overloaded', undefined, { retryable: true })
      const copyId = newId()
      const path = join(folder, `${PREFIX}${copyId}.part`)
      try {
        await mkdir(folder, { recursive: true })
        const { bavail, bsize } = await statfs(folder)
        if (bavail * bsize < bytes + SPARE_BYTES) throw failure('disk-full')
        copies.set(copyId, { name: safe, path, file: await open(path, 'wx', 0o600), bytes, received: 0, busy: Promise.resolve() })
      } catch (error) {
        throw asFailure(error, safe)
      }
      return { copyId, name: safe }
    },
    chunk: ({ copyId, at, data }) =>
      inTurn(copyId, async copy => {
        const bytes = Buffer.from(data, 'base64')
        if (at !== copy.received || at + bytes.length > copy.bytes || bytes.length === 0) throw failure('copy-failed', { file: copy.name })
        await copy.file.writeFile(bytes)
        copy.received += bytes.length
        return copy.received / copy.bytes
      }),
    finish: copyId =>
      inTurn(copyId, async copy => {
        if (copy.received !== copy.bytes) throw failure('copy-failed', { file: copy.name })
        await copy.file.sync()
        await copy.file.close()
        copies.delete(copyId)
        return { path: copy.path, name: copy.name }
      }),
    async cancel(copyId) {
      const copy = copies.get(copyId)
      if (!copy) return
      await copy.busy
      if (copies.get(copyId) === copy) await drop(copyId, copy)
    },
    async close() {
      for (const [copyId, copy] of copies) await drop(copyId, copy)
    },
  }
}

function removeRests(folder: string): void {
  try {
    for (const name of readdirSync(folder)) if (name.startsWith(PREFIX)) rmSync(join(folder, name), { force: true })
  } catch {
    // There is no such folder yet, or it cannot be written to: then there is nothing to remove, or no way to.
  }
}
