import type { Tokens } from 'marked'
import { readEntities } from './entities.ts'
import { Inline, wordsOf } from './inline.tsx'
import { honestText, misleads, placeOf, safeHref } from './link-safety.ts'

/**
 * A link that may be followed: http, https or mailto, in a window of its own that knows nothing of this one. Its address is its title.
 * Where the words claim another address than the link's, the true place stands beside them. Any other scheme is shown as text.
 */
export function SafeLink({ link }: { link: Tokens.Link }) {
  const address = link.autolink ? link.href : readEntities(link.href)
  const href = safeHref(address)
  const written = wordsOf(link.tokens)
  const words = honestText(written)
  if (!href) {
    return (
      <span className="refused-link" title="Fusion opens only web and mail addresses">
        {words} <span className="address">({honestText(address)})</span>
      </span>
    )
  }
  return (
    <>
      <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
        {words === written ? <Inline tokens={link.tokens} /> : words}
        {words.trim() === '' && href}
      </a>
      {misleads(words, href) && <span className="address"> ({placeOf(href)})</span>}
    </>
  )
}
