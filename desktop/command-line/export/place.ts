import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, type Stats } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Terminal } from '../terminal.ts'

/** Where an export goes. It stands at its place when it is whole, or not at all. */
interface Place {
  finish(): Promise<void>
  /** Takes away what was written. */
  leave(): Promise<void>
}
export interface FilePlace extends Place {
  write(text: string): Promise<void>
}
export interface FolderPlace extends Place {
  folder: string
}

/** Chats are for their owner alone, wherever they lie. */
export const OWN_FILE = 0o600
const OWN_FOLDER = 0o700

/** A name that nobody has and nobody can guess: what others put there before, such as a file they may read, would get the chats. */
const partOf = (path: string) => `${path}.${randomBytes(8).toString('hex')}.part`

export function standardOutput(terminal: Terminal): FilePlace {
  return { write: text => terminal.write(text), finish: async () => {}, leave: async () => {} }
}

/** Throws `output-there` for a path where something is, and `output-unwritable`. */
export async function newFile(path: string): Promise<FilePlace> {
  if (await statOf(path)) throw failure('output-there', { file: path })
  const part = partOf(path)
  const stream = createWriteStream(part, { mode: OWN_FILE, flags: 'wx' })
  let broken: unknown
  stream.on('error', error => (broken = error))
  await inWords(part, () => once(stream, 'open'))
  const check = () => {
    if (broken) throw unwritable(path, broken)
  }
  return {
    async write(text) {
      check()
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'error')]).catch(() => {})
      check()
    },
    async finish() {
      await inWords(path, async () => {
        stream.end()
        await once(stream, 'close')
        check()
        await rename(part, path)
      })
    },
    async leave() {
      stream.destroy()
      await rm(part, { force: true })
    },
  }
}

/** A folder that is there is taken where it is empty. */
export async function newFolder(path: string): Promise<FolderPlace> {
  const there = await statOf(path)
  if (there && (!there.isDirectory() || (await readdir(path)).length > 0)) throw failure('output-there', { file: path })
  const folder = partOf(path)
  await inWords(path, () => mkdir(folder, { recursive: true, mode: OWN_FOLDER }))
  return {
    folder,
    finish: () =>
      inWords(path, async () => {
        // Windows moves no folder onto another one, not even onto an empty one.
        if (there) await rmdir(path)
        await rename(folder, path)
      }),
    leave: () => rm(folder, { recursive: true, force: true }),
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch {
    return undefined
  }
}

/** What the system says, as a failure with words. */
export async function inWords<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unwritable(path, error)
  }
}

function unwritable(path: string, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ENOSPC') return failure('output-disk-full', { file: basename(path) }, { cause: error })
  return failure('output-unwritable', { file: path }, { cause: error })
}
