// Files that belong to messages, named by their content, and each person's own.
import { Type, type Static } from 'typebox'
import { Hash } from '../ids.ts'
import { route } from './route.ts'

export const MAX_ATTACHMENT_BYTES = 50_000_000
/** How long an address to put or get a file at is good. */
export const LINK_SECONDS = 900

const ByHash = Type.Object({ hash: Hash })
const Bytes = Type.Unsafe<unknown>({ description: 'The bytes of the file.' })
const Size = Type.Integer({ minimum: 0, maximum: MAX_ATTACHMENT_BYTES })
const ByToken = Type.Object({ token: Type.String({ minLength: 1, maxLength: 2_000 }) })
const binary = 'application/octet-stream'

/** Where a program sends the bytes itself, or gets them: with these headers, and none of the cloud's own. */
export const AttachmentLink = Type.Object({
  method: Type.Union([Type.Literal('GET'), Type.Literal('PUT')]),
  url: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  /** Milliseconds since 1970. */
  expiresAt: Type.Integer(),
})
export type AttachmentLink = Static<typeof AttachmentLink>

export const objectRoutes = {
  putAttachment: route({
    method: 'PUT',
    path: '/v1/attachments/{hash}',
    access: { who: 'program', scope: 'history' },
    summary: 'Keeps a file of this person under the SHA-256 of its content. Anything else is refused.',
    params: ByHash,
    body: Bytes,
    bodyType: binary,
    bodyLimit: MAX_ATTACHMENT_BYTES,
  }),
  getAttachment: route({
    method: 'GET',
    path: '/v1/attachments/{hash}',
    access: { who: 'program', scope: 'history' },
    summary: 'A file of this person, or (Range) a part of it.',
    params: ByHash,
    replyType: binary,
    statuses: [200, 206],
  }),
  deleteAttachment: route({
    method: 'DELETE',
    path: '/v1/attachments/{hash}',
    access: { who: 'program', scope: 'history' },
    summary: 'Deletes a file of this person.',
    params: ByHash,
  }),
  linkAttachment: route({
    method: 'POST',
    path: '/v1/attachments/{hash}/links',
    access: { who: 'program', scope: 'history' },
    summary: 'An address to get a file of this person at, or (with its size) to put one at, for a quarter of an hour.',
    params: ByHash,
    body: Type.Union([
      Type.Object({ method: Type.Literal('GET') }, { additionalProperties: false }),
      Type.Object({ method: Type.Literal('PUT'), size: Size }, { additionalProperties: false }),
    ]),
    reply: AttachmentLink,
  }),
  getObject: route({
    method: 'GET',
    path: '/v1/objects',
    access: { who: 'anybody' },
    summary: 'What a link leads to, where the cloud keeps files in a folder.',
    query: ByToken,
    replyType: binary,
  }),
  putObject: route({
    method: 'PUT',
    path: '/v1/objects',
    access: { who: 'anybody' },
    summary: 'Puts a file where a link says, where the cloud keeps files in a folder.',
    query: ByToken,
    body: Bytes,
    bodyType: binary,
    bodyLimit: MAX_ATTACHMENT_BYTES,
  }),
}
