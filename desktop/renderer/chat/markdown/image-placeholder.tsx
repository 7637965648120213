import type { Tokens } from 'marked'
import { readEntities } from './entities.ts'
import { honestText, safeHref } from './link-safety.ts'

/**
 * Where an answer wants to show an image: its words and address. Fusion loads nothing by itself: an address can carry words of the
 * chat away. The page's Content-Security-Policy forbids it as well, so the person opens the image in the browser, or not.
 */
export function ImagePlaceholder({ image }: { image: Tokens.Image }) {
  const address = readEntities(image.href)
  const safe = safeHref(address)
  const href = safe?.startsWith('http') ? safe : null
  const words = honestText(image.text)
  // A `data:` address can be a megabyte long.
  const shown = honestText(address).slice(0, 200)
  return (
    <span className="image-placeholder">
      <span>
        Image{words && `: ${words}`}
        <span className="address">
          {href ? (
            <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
              {shown}
            </a>
          ) : (
            shown
          )}
        </span>
      </span>
      <button type="button" className="button small" disabled title="Fusion loads nothing from other addresses into this page">
        Show image
      </button>
      <small>
        {href
          ? 'Fusion loads no images from elsewhere. Open the address to see it in your browser.'
          : 'Fusion does not show images of this kind.'}
      </small>
    </span>
  )
}
