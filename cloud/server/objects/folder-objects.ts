import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { checked, checkKey, type ObjectInfo, type Objects } from './objects.ts'
import type { ObjectTokens } from './object-tokens.ts'

/** A file begins with one line of JSON, filled up with spaces, so that what it is and what is in it are written at once. */
const HEADER_BYTES = 1_024
const ENDING = '.object'
const LISTED = 1_000
/** What was being written when a server was killed is removed at a later start: another server may be writing now. */
const LEFT_MS = 86_400_000

const Header = Type.Object({
  size: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  contentType: Type.String(),
})

export async function openFolderObjects({ folder, tokens }: { folder: string; tokens: ObjectTokens }): Promise<Objects> {
  const incoming = join(folder, '.incoming')
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  await removeLeftovers(incoming)

  const fileOf = (key: string) => {
    checkKey(key)
    return `${join(folder, ...key.split('/'))}${ENDING}`
  }

  async function opened(key: string): Promise<{ file: FileHandle; info: ObjectInfo } | undefined> {
    const file = await open(fileOf(key), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(ifMissing)
    if (!file) return undefined
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
      const header: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead))
      if (!Value.Check(Header, header)) throw new Error('an object has no header')
      return { file, info: header }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  return {
    async put(key, body, info) {
      const target = fileOf(key)
      const header = Buffer.alloc(HEADER_BYTES, ' ')
      if (header.write(JSON.stringify(info)) > HEADER_BYTES - 1) throw new TypeError('the content type is too long')
      header.write('\n', HEADER_BYTES - 1)
      const written = join(incoming, randomUUID())
      const file = await open(written, 'wx', 0o600)
      try {
        try {
          await file.writeFile(header)
          for await (const piece of checked(body, info)) await file.writeFile(piece)
          await file.sync()
        } finally {
          await file.close()
        }
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        await rename(written, target)
        await syncFolder(dirname(target))
      } catch (error) {
        await rm(written, { force: true })
        throw error
      }
    },

    async get(key, range) {
      const found = await opened(key)
      if (!found) return undefined
      const { file, info } = found
      const { from, to } = range ?? { from: 0, to: info.size - 1 }
      if (to < from) {
        await file.close()
        return { info, body: Readable.from([]) }
      }
      const bytes = file.createReadStream({ start: HEADER_BYTES + from, end: HEADER_BYTES + to })
      return { info, body: range ? bytes : Readable.from(checked(bytes, info), { objectMode: false }) }
    },

    async head(key) {
      const found = await opened(key)
      await found?.file.close()
      return found?.info
    },

    async delete(key) {
      await rm(fileOf(key), { force: true })
    },

    async list(prefix, after = '') {
      const files = await readdir(folder, { recursive: true, withFileTypes: true })
      const keys = files
        .filter(file => file.isFile() && file.name.endsWith(ENDING))
        .map(file => relative(folder, join(file.parentPath, file.name)).slice(0, -ENDING.length).replaceAll(sep, '/'))
        .filter(key => key.startsWith(prefix) && key > after)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .slice(0, LISTED)
      return Promise.all(keys.map(async key => ({ key, size: (await stat(fileOf(key))).size - HEADER_BYTES })))
    },

    presignGet: async (key, seconds) => ({ method: 'GET', url: tokens.make({ method: 'GET', key }, seconds), headers: {} }),
    presignPut: async (key, info, seconds) => ({
      method: 'PUT',
      url: tokens.make({ method: 'PUT', key, info }, seconds),
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(info.size) },
    }),
    check: { embedded: true, check: () => access(incoming, constants.W_OK) },
    close: async () => {},
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}

/** A new name is on the disk only when its folder is. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeLeftovers(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const file = join(incoming, name)
    const { mtimeMs } = await stat(file)
    if (Date.now() - mtimeMs > LEFT_MS) await rm(file, { force: true })
  }
}
