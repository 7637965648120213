import type { ImageEvent } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { isTooLargeToDraw, type ImageFacts, readImage } from '@fusion/shared/images/image-facts.ts'
import { imageAddress, standsAsImage } from '@fusion/shared/markdown/image-address.ts'
import type { Door } from '../egress/door.ts'
import type { Storage } from '../storage/storage.ts'

export interface ImageRequest {
  conversationId: string
  messageId: string
  /** The address as it stands in the answer. */
  written: string
}

export interface Images {
  /** The image at an address that stands in an answer. Leaving the loop, or aborting the signal, ends the connection. */
  read(request: ImageRequest, signal: AbortSignal): AsyncGenerator<ImageEvent, void, void>
}

export interface ImagesParts {
  storage: Pick<Storage, 'messages'>
  door: Pick<Door, 'readPublic'>
  /** Brings the store up to what pages were told of a growing answer. */
  flush: (conversationId: string) => void
}

const ACCEPT = 'image/avif,image/webp,image/png,image/jpeg,image/gif'
/** Each is held whole in memory, up to the door's 20 MB, until its page has taken it. */
const MOST_AT_ONCE = 6
/** A multiple of three, so that the pieces of base64 are whole. */
const PIECE_BYTES = 192 * 1024

/** Images that a person asked to see. A page that was taken over gets nothing by it but what stands in its chats. */
export function createImages({ storage, door, flush }: ImagesParts): Images {
  let running = 0

  async function fetchImage({ conversationId, messageId, written }: ImageRequest, signal: AbortSignal): Promise<Uint8Array> {
    flush(conversationId)
    const message = storage.messages.get(messageId)
    if (message?.conversationId !== conversationId || message.role !== 'assistant') throw failure('not-found')
    const stands = message.parts.some(part => 'text' in part && standsAsImage(part.text, written))
    if (!stands) throw failure('image-not-written')
    const url = imageAddress(written)
    if (!url) throw failure('address-unfit')
    // The click was the agreement: the page said which host it is about, and what that host learns.
    return door.readPublic({ purpose: 'image', conversationId, agreed: true, url, accept: ACCEPT, signal })
  }

  return {
    async *read(request, signal) {
      if (running >= MOST_AT_ONCE) throw failure('overloaded', undefined, { retryable: true })
      running++
      try {
        const bytes = await fetchImage(request, signal)
        yield { type: 'image-found', facts: factsOf(bytes), bytes: bytes.length }
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          yield { type: 'image-data', data: Buffer.from(bytes.subarray(at, at + PIECE_BYTES)).toString('base64') }
        }
      } finally {
        running--
      }
    },
  }
}

/** Throws the words for what may not be shown. What the sender calls it does not count. */
function factsOf(bytes: Uint8Array): ImageFacts {
  const facts = readImage(bytes)
  if (facts === 'svg') throw failure('image-svg')
  if (!facts) throw failure('image-unknown')
  if (isTooLargeToDraw(facts)) throw failure('image-too-many-pixels', { width: facts.width, height: facts.height })
  return facts
}
