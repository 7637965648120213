// Backups of the database among the objects: one file each, compressed, named by the moment it was begun.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { BackupUnusable, dumpDatabase, loadDatabase } from '../../database/backup.ts'
import type { Clock } from '../clock.ts'
import type { Objects } from '../objects/objects.ts'

export interface Backup {
  /** As `restore` takes it. */
  name: string
  /** Milliseconds since 1970. */
  madeAt: number
  /** Bytes. */
  size: number
}

export interface BackupOptions {
  objects: Objects
  /** Of a role that row-level security does not hold. */
  databaseUrl: () => Promise<string>
  /** Where a file is made before it is put with the objects, which want to know its size and hash. */
  folder: string
  clock: Clock
}

const END = '.jsonl.gz'
const NAME = /^(\d{4}-\d\d-\d\d)t(\d\d)-(\d\d)-(\d\d)z$/

export type Backups = ReturnType<typeof createBackups>

export function createBackups({ objects, databaseUrl, folder, clock }: BackupOptions) {
  const keyOf = (name: string) => `backups/${name}${END}`

  /** The newest first. */
  async function list(): Promise<Backup[]> {
    const found: Backup[] = []
    for (let after: string | undefined; ;) {
      const page = await objects.list('backups/', after)
      for (const { key, size } of page) {
        const name = key.slice('backups/'.length, -END.length)
        const madeAt = timeOf(name)
        if (key.endsWith(END) && madeAt !== undefined) found.push({ name, madeAt, size })
      }
      if (page.length === 0) return found.toSorted((a, b) => b.madeAt - a.madeAt)
      after = page.at(-1)!.key
    }
  }

  return {
    list,

    /** Throws `BackupRunning`, and what Postgres and the objects throw; then there is none. */
    async make(): Promise<Backup> {
      const madeAt = Math.floor(clock() / 1000) * 1000
      const name = nameOf(madeAt)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const file = join(folder, `${name}-${randomBytes(4).toString('hex')}`)
      try {
        const hash = createHash('sha256')
        const hashed = new Transform({
          transform(piece: Buffer, _encoding, done) {
            hash.update(piece)
            done(null, piece)
          },
        })
        await pipeline(
          Readable.from(dumpDatabase(await databaseUrl()), { objectMode: false }),
          createGzip(),
          hashed,
          createWriteStream(file, { mode: 0o600 }),
        )
        const { size } = await stat(file)
        await objects.put(keyOf(name), createReadStream(file), { size, sha256: hash.digest('hex'), contentType: 'application/gzip' })
        return { name, madeAt, size }
      } finally {
        await rm(file, { force: true })
      }
    },

    /** Reads one into a database without people. Throws what `loadDatabase` throws; `BackupUnusable` where there is none of this name. */
    async restore(name: string): Promise<{ rows: number }> {
      const found = timeOf(name) === undefined ? undefined : await objects.get(keyOf(name))
      if (!found) throw new BackupUnusable('there is none of this name')
      const unzipped = createGunzip()
      // What goes wrong with the bytes is told where they are read.
      const reading = pipeline(found.body, unzipped).catch((error: Error) => unzipped.destroy(error))
      try {
        return await loadDatabase(await databaseUrl(), linesOf(unzipped))
      } finally {
        unzipped.destroy()
        await reading
      }
    },

    /** Deletes all but so many, the newest. */
    async prune(keep: number): Promise<void> {
      for (const { name } of (await list()).slice(keep)) await objects.delete(keyOf(name))
    },
  }
}

/** By line feeds alone: readline knows more ends of a line, which text of people may hold. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}

/** `2026-11-25t03-00-00z`: as keys of objects may be. */
const nameOf = (moment: number) => new Date(moment).toISOString().slice(0, 19).replaceAll(':', '-').toLowerCase() + 'z'

function timeOf(name: string): number | undefined {
  const [, day, hours, minutes, seconds] = NAME.exec(name) ?? []
  return day === undefined ? undefined : Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`)
}
