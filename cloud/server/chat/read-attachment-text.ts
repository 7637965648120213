import { attachmentKey, type Objects } from '../objects/objects.ts'

/** Of a file whose 8 million characters, the most that a message takes, have four bytes each. */
const MOST_BYTES = 32_000_000

/** The text of a person's file; undefined where it is not there, is no text in UTF-8, or too large for any prompt. */
export async function readAttachmentText(objects: Objects, userId: string, hash: string): Promise<string | undefined> {
  const found = await objects.get(attachmentKey(userId, hash))
  if (!found) return undefined
  if (found.info.size > MOST_BYTES) {
    found.body.destroy()
    return undefined
  }
  const pieces: Uint8Array[] = []
  for await (const piece of found.body as AsyncIterable<Uint8Array>) pieces.push(piece)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    return undefined
  }
}
