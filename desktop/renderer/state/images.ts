// Images of answers that the person asked to see: only for as long as their chat is open in this window.
import { failure } from '@fusion/shared/contract/failures.ts'
import type { ImageFacts } from '@fusion/shared/images/image-facts.ts'
import type { EngineContract } from '@fusion/shared/contract/engine.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import type { Link } from '@fusion/shared/rpc/link.ts'
import { create } from 'zustand'

export interface WrittenImage {
  conversationId: string
  messageId: string
  /** Its address as Markdown's lexer gives it. */
  written: string
}

export type EngineLink = Pick<Link<EngineContract>, 'client'>

export type AskedImage =
  | { at: 'asking'; stop: () => void }
  | { at: 'shown'; src: string; facts: ImageFacts }
  | { at: 'failed'; failure: FailureBody }

export const useImages = create<Record<string, AskedImage>>()(() => ({}))

/** The click holds for one image of one message. */
export const imageKey = ({ messageId, written }: WrittenImage): string => `${messageId} ${written}`

/** Asks for an image, because the person pressed the button that says what this does. */
export function askForImage(link: EngineLink, image: WrittenImage): void {
  const controller = new AbortController()
  put(imageKey(image), { at: 'asking', stop: () => controller.abort() })
  void show(link, image, controller.signal)
}

async function show(link: EngineLink, image: WrittenImage, signal: AbortSignal): Promise<void> {
  const key = imageKey(image)
  try {
    const { facts, blob } = await read(link, image, signal)
    if (!signal.aborted) put(key, { at: 'shown', facts, src: URL.createObjectURL(blob) })
  } catch (error) {
    if (!signal.aborted) put(key, { at: 'failed', failure: Failure.toBody(error) })
  }
}

/** The browser could not draw what came. */
export const notDrawn = (image: WrittenImage): void =>
  put(imageKey(image), { at: 'failed', failure: Failure.toBody(failure('image-unknown')) })

/** Back to before the click; what is on its way is stopped. */
export function forgetImage(image: WrittenImage): void {
  put(imageKey(image), undefined)
}

/** Another chat was opened. */
export function forgetImages(): void {
  for (const key of Object.keys(useImages.getState())) put(key, undefined)
}

function put(key: string, next: AskedImage | undefined): void {
  const { [key]: before, ...others } = useImages.getState()
  useImages.setState(next ? { ...others, [key]: next } : others, true)
  if (before?.at === 'asking' && next === undefined) before.stop()
  if (before?.at === 'shown') URL.revokeObjectURL(before.src)
}

/** By the port of this moment, not by a subscription: an image that was cut off is not asked for again by itself. */
async function read(link: EngineLink, image: WrittenImage, signal: AbortSignal): Promise<{ facts: ImageFacts; blob: Blob }> {
  const client = await link.client({ signal })
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let facts: ImageFacts | undefined
  for await (const event of client.images.read(image, { signal })) {
    if (event.type === 'image-found') facts = event.facts
    else pieces.push(Uint8Array.from(atob(event.data), character => character.charCodeAt(0)))
  }
  if (!facts) throw failure('internal')
  return { facts, blob: new Blob(pieces, { type: facts.mediaType }) }
}
