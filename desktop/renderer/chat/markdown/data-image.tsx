import { type ImageFacts, isTooLargeToDraw, readImage } from '@fusion/shared/images/image-facts.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { honestText } from '@fusion/shared/markdown/link-safety.ts'
import { useEffect, useMemo, useState } from 'react'

/** Four megabytes when it is drawn: an answer can hold many, and nobody pressed anything. */
const MOST_PIXELS = 1_000_000

/**
 * An image that is written out in the answer (`data:`): showing it asks nobody for anything, so it is shown, if its bytes are those of a
 * small picture. What it calls itself does not count, and what can hold a program stays words.
 */
export function DataImage({ written, words }: { written: string; words: string }) {
  const read = useMemo(() => readDataImage(written), [written])
  const [src, setSrc] = useState<string>()
  useEffect(() => {
    if (typeof read === 'string') return
    const address = URL.createObjectURL(new Blob([read.bytes], { type: read.facts.mediaType }))
    setSrc(address)
    return () => URL.revokeObjectURL(address)
  }, [read])
  const [broken, setBroken] = useState(false)
  if (typeof read === 'object' && !broken) {
    const { width, height } = read.facts
    return (
      <span className="image">
        <img src={src} width={width} height={height} alt={words || 'Image'} decoding="async" onError={() => setBroken(true)} />
      </span>
    )
  }
  return (
    <span className="image not-shown">
      <span className="what">
        Image{words && `: ${words}`}
        <span className="address">{honestText(written).slice(0, 80)}</span>
      </span>
      <small>{typeof read === 'string' ? read : NO_IMAGE}</small>
    </span>
  )
}

const NO_IMAGE = 'Fusion does not show images of this kind.'

/** The bytes of a `data:` address and what they are, or the words for why they are not shown. */
export function readDataImage(written: string): { bytes: Uint8Array<ArrayBuffer>; facts: ImageFacts } | string {
  const base64 = /^data:[\w.+/-]*;base64,([\w+/=]+)$/i.exec(written)?.[1]
  const bytes = base64 === undefined ? undefined : decode(base64)
  const facts = bytes && readImage(bytes)
  if (facts === 'svg' || /^data:image\/svg/i.test(written)) return sentence({ code: 'image-svg', message: '', retryable: false }).what
  if (!bytes || !facts) return NO_IMAGE
  if (isTooLargeToDraw(facts) || facts.width * facts.height > MOST_PIXELS)
    return `This image is ${facts.width} by ${facts.height} pixels: too large to be shown without being asked for.`
  return { bytes, facts }
}

function decode(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
