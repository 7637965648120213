// Files of the cloud: what people attach, backups, archives of the audit log, weights of models.
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { PartCheck } from '../health/readiness.ts'

export const namespaces = ['attachments', 'backups', 'audit', 'weights'] as const

export interface ObjectInfo {
  /** Bytes. */
  size: number
  /** SHA-256 in lower-case hex. */
  sha256: string
  contentType: string
}

/** The first and the last byte of a part. */
export interface ByteRange {
  from: number
  to: number
}

/** Where a program may put or get an object itself, with the headers that it has to send, until the time is over. */
export interface Presigned {
  method: 'GET' | 'PUT'
  url: string
  headers: Record<string, string>
}

/** Keys are as `isKey` says: a namespace, then names. All of it fails with `cloud-part-missing` where the objects can't be reached. */
export interface Objects {
  /** Throws `ContentDiffers` where what comes is not what `info` says; then nothing is kept. */
  put(key: string, body: AsyncIterable<Uint8Array>, info: ObjectInfo): Promise<void>
  /**
   * undefined where there is none. The whole of an object is checked while it is read: where it was damaged its last bytes never come, and
   * the stream fails. A part of one is not.
   */
  get(key: string, range?: ByteRange): Promise<{ info: ObjectInfo; body: Readable } | undefined>
  head(key: string): Promise<ObjectInfo | undefined>
  /** Also where there is none. */
  delete(key: string): Promise<void>
  /** Keys that begin with `prefix`, in order, 1,000 at most; `after` is the last one that is known. */
  list(prefix: string, after?: string): Promise<{ key: string; size: number }[]>
  presignGet(key: string, seconds: number): Promise<Presigned>
  presignPut(key: string, info: ObjectInfo, seconds: number): Promise<Presigned>
  check: PartCheck
  close(): Promise<void>
}

/** What came is not what was said: another length, or another hash. */
export class ContentDiffers extends Error {}

/** Where the bytes of a person's file are. `hash`: SHA-256 in lower-case hex. */
export const attachmentKey = (userId: string, hash: string): string => `attachments/${userId}/${hash}`

const NAME = /^(?!.*\.object$)[a-z0-9][a-z0-9._-]{0,99}$/

/** Nothing in a key can lead out of a folder, or means something to a file system or a shell. */
export function isKey(key: string): boolean {
  const [namespace = '', ...names] = key.split('/')
  return (
    (namespaces as readonly string[]).includes(namespace) && names.length > 0 && names.length < 8 && names.every(name => NAME.test(name))
  )
}

export function checkKey(key: string): void {
  if (!isKey(key)) throw new TypeError('not a key of an object')
}

/** The same bytes. The last piece is held back until all of them are known to be the right ones. */
export async function* checked(body: AsyncIterable<Uint8Array>, { size, sha256 }: Pick<ObjectInfo, 'size' | 'sha256'>) {
  const hash = createHash('sha256')
  let seen = 0
  let held: Uint8Array | undefined
  for await (const piece of body) {
    seen += piece.length
    if (seen > size) throw new ContentDiffers('more came than was said')
    hash.update(piece)
    if (held) yield held
    held = piece
  }
  if (seen !== size) throw new ContentDiffers('less came than was said')
  if (hash.digest('hex') !== sha256) throw new ContentDiffers('it has another hash')
  if (held) yield held
}
