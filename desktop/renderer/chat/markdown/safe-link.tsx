import { readEntities } from '@fusion/shared/markdown/entities.ts'
import { honestText, misleads, placeOf, safeHref } from '@fusion/shared/markdown/link-safety.ts'
import type { Tokens } from 'marked'
import { AnswerImage } from './answer-image.tsx'
import { Inline, wordsOf } from './inline.tsx'

/**
 * A link that may be followed: http, https or mailto, in a window of its own that knows nothing of this one. Its address is its title.
 * Where the words claim another address than the link's, the true place stands beside them. Any other scheme is shown as text.
 */
export function SafeLink({ link }: { link: Tokens.Link }) {
  const address = link.autolink ? link.href : readEntities(link.href)
  const href = safeHref(address)
  const written = wordsOf(link.tokens)
  const words = honestText(written)
  // What is pressed to show an image must not be part of a link.
  const images = link.tokens.filter((token): token is Tokens.Image => token.type === 'image')
  const below = images.map((image, index) => <AnswerImage key={index} image={image} />)
  if (!href) {
    return (
      <>
        <span className="refused-link" title="Fusion opens only web and mail addresses">
          {words} <span className="address">({honestText(address)})</span>
        </span>
        {below}
      </>
    )
  }
  return (
    <>
      <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
        {words === written && images.length === 0 ? <Inline tokens={link.tokens} /> : words}
        {words.trim() === '' && href}
      </a>
      {misleads(words, href) && <span className="address"> ({placeOf(href)})</span>}
      {below}
    </>
  )
}
