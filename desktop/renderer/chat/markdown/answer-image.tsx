import type { Tokens } from 'marked'
import { readEntities } from '@fusion/shared/markdown/entities.ts'
import { imageAddress } from '@fusion/shared/markdown/image-address.ts'
import { honestText } from '@fusion/shared/markdown/link-safety.ts'
import { DataImage } from './data-image.tsx'
import { RemoteImage } from './remote-image.tsx'

/** An image of an answer: one that is written out in the answer itself is shown; one that lies elsewhere waits for a click. */
export function AnswerImage({ image }: { image: Tokens.Image }) {
  const words = honestText(readEntities(image.text))
  const address = imageAddress(image.href)
  return address ? <RemoteImage written={image.href} address={address} words={words} /> : <DataImage written={image.href} words={words} />
}
