import { Readable } from 'node:stream'
import { LINK_SECONDS, MAX_ATTACHMENT_BYTES, objectRoutes } from '@fusion/shared/contract/cloud/objects.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { deleteAttachment, findAttachment, noteAttachment, sumOtherAttachments } from '../../database/attachments.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { readRange } from './byte-range.ts'
import { attachmentKey, ContentDiffers, type ObjectInfo } from './objects.ts'

const contentType = 'application/octet-stream'

/** Files that belong to messages. Each person has their own, also of the same content: nobody learns what others have. */
export async function attachments(app: FastifyInstance, { config, database, objects, objectTokens, clock }: Parts): Promise<void> {
  // Bytes are not collected: who takes them checks them as they come.
  app.addContentTypeParser(contentType, (_request, bytes, done) => done(null, bytes))

  /** A file of this person that is there. Throws `not-found`. */
  async function find(userId: string, hash: string): Promise<number> {
    const found = await database.asUser(userId, tx => findAttachment(tx, hash))
    if (!found) throw failure('not-found')
    if (found.storedAt) return found.size
    // It was to be put by a link: this is the first look at whether it was.
    const info = await objects.head(attachmentKey(userId, hash))
    if (info?.sha256 !== hash) throw failure('not-found')
    await note(userId, hash, info.size, true)
    return info.size
  }

  /** Throws `files-full`. */
  async function makeRoom(userId: string, hash: string, size: number): Promise<void> {
    const others = config.attachmentBytes > 0 ? await database.asUser(userId, tx => sumOtherAttachments(tx, hash)) : 0
    if (config.attachmentBytes > 0 && others + size > config.attachmentBytes) throw failure('files-full')
  }

  async function note(userId: string, hash: string, size: number, stored: boolean): Promise<void> {
    const now = new Date(clock())
    await database.asUser(userId, tx => noteAttachment(tx, { userId, hash, size, now, storedAt: stored ? now : null }))
  }

  async function put(key: string, bytes: unknown, info: ObjectInfo): Promise<void> {
    try {
      await objects.put(key, (bytes as Readable | null | undefined) ?? Readable.from([]), info)
    } catch (error) {
      if (error instanceof ContentDiffers) throw new WrongRequest('The content is not what its hash says.', { code: 'content_differs' })
      throw error
    }
  }

  serve(app, objectRoutes.putAttachment, async ({ params: { hash }, body, caller: { userId }, request }) => {
    const size = sizeOf(request)
    await makeRoom(userId, hash, size)
    await put(attachmentKey(userId, hash), body, { size, sha256: hash, contentType })
    await note(userId, hash, size, true)
  })

  serve(app, objectRoutes.getAttachment, async ({ params: { hash }, caller: { userId }, request, reply }) => {
    const size = await find(userId, hash)
    const range = readRange(request.headers.range, size)
    reply.header('accept-ranges', 'bytes')
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${size}`)
      throw new WrongRequest('The file has no such part.', { code: 'range_not_satisfiable', status: 416 })
    }
    const found = await objects.get(attachmentKey(userId, hash), range)
    if (!found) throw failure('not-found')
    const { from, to } = range ?? { from: 0, to: size - 1 }
    if (range) reply.code(206).header('content-range', `bytes ${from}-${to}/${size}`)
    return send(reply, found.body, to - from + 1)
  })

  serve(app, objectRoutes.deleteAttachment, async ({ params: { hash }, caller: { userId } }) => {
    // The bytes first: while the row is there, it can be tried again.
    await objects.delete(attachmentKey(userId, hash))
    const known = await database.asUser(userId, tx => deleteAttachment(tx, hash))
    if (!known) throw failure('not-found')
  })

  serve(app, objectRoutes.linkAttachment, async ({ params: { hash }, body, caller: { userId } }) => {
    const key = attachmentKey(userId, hash)
    const expiresAt = clock() + LINK_SECONDS * 1000
    if (body.method === 'GET') {
      await find(userId, hash)
      return { ...(await objects.presignGet(key, LINK_SECONDS)), expiresAt }
    }
    await makeRoom(userId, hash, body.size)
    await note(userId, hash, body.size, false)
    return { ...(await objects.presignPut(key, { size: body.size, sha256: hash, contentType }, LINK_SECONDS)), expiresAt }
  })

  serve(app, objectRoutes.getObject, async ({ query: { token }, reply }) => {
    const claim = objectTokens.read(token)
    const found = claim?.method === 'GET' ? await objects.get(claim.key) : undefined
    if (!found) throw failure('not-found')
    return send(reply, found.body, found.info.size)
  })

  serve(app, objectRoutes.putObject, async ({ query: { token }, body, request }) => {
    const claim = objectTokens.read(token)
    if (claim?.method !== 'PUT') throw failure('not-found')
    if (sizeOf(request) !== claim.info.size) throw new WrongRequest('The content has another length.', { code: 'content_differs' })
    await put(claim.key, body, claim.info)
  })
}

/** How many bytes come. It has to be said before: so much room is made, and no more is taken. */
function sizeOf({ headers }: FastifyRequest): number {
  const length = headers['content-length']
  if (length === undefined) throw new WrongRequest('The request has to say its length.', { code: 'length_required', status: 411 })
  if (Number(length) > MAX_ATTACHMENT_BYTES) throw new WrongRequest('The file is too large.', { code: 'request_too_large', status: 413 })
  return Number(length)
}

/** Whatever it is, a browser that is led here saves it and shows nothing of it. */
const send = (reply: FastifyReply, body: Readable, size: number): Readable => {
  reply.header('content-length', size).header('content-disposition', 'attachment')
  return body
}
