// Replies of model servers, read whole: no longer and no deeper than they can be.
import { isDeeperThan } from '../http/json-body.ts'
import type { OpenStream } from './open-stream.ts'

/** Deeper ones can't be written out again: JSON is read without a stack, and written with one. */
const MOST_LEVELS = 2_000

/** The text of an answer of at most so many bytes. Throws `RangeError` for a longer one, of which no more is read, and as the stream does. */
export async function readText(answer: OpenStream, mostBytes: number): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for (let piece = await answer.next(); piece; piece = await answer.next()) {
      bytes += piece.length
      if (bytes > mostBytes) throw new RangeError('the reply is too long')
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString()
  } finally {
    answer.destroy()
  }
}

/** Throws `SyntaxError` for what is no JSON, `RangeError` for what is nested too deeply. */
export function parseReply(text: string): unknown {
  // Nearly all are too short to be so deep.
  if (text.length > MOST_LEVELS && isDeeperThan(text, MOST_LEVELS)) throw new RangeError('the reply is nested too deeply')
  return JSON.parse(text)
}
