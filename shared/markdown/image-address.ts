import { readEntities } from './entities.ts'
import { safeHref } from './link-safety.ts'

/** Words of an image longer than this are not looked through for its beginning. */
const LONGEST_WORDS = 2000
/** An address that stands in a text more often is not looked for any further. */
const MOST_PLACES = 1000

/**
 * The web address that is asked for an image; null for an address of any other kind. `written` is as Markdown's lexer gives it: without the
 * backslashes, with character references. Page and engine read it by this one function, so that what is shown before is what is asked after.
 */
export function imageAddress(written: string): string | null {
  const href = safeHref(readEntities(written))
  return href?.startsWith('http') ? href : null
}

/** True where `written` stands in this Markdown as the address of an image, or in a definition (`[name]: address`) that an image may name. */
export function standsAsImage(markdown: string, written: string): boolean {
  if (written === '' || !markdown.includes('![')) return false
  return standsIn(markdown, written) || standsIn(markdown.replace(/\\([!-/:-@[-`{-~])/g, '$1'), written)
}

function standsIn(markdown: string, written: string): boolean {
  let at = markdown.indexOf(written)
  for (let count = 0; at >= 0 && count < MOST_PLACES; count++) {
    const after = markdown.charAt(at + written.length)
    const before = /\](\(|:)[\s<>]*$/.exec(markdown.slice(Math.max(0, at - 40), at))
    if (before && /^[\s)>"']?$/.test(after)) {
      if (before[1] === ':' || beginsImage(markdown, at - before[0].length)) return true
    }
    at = markdown.indexOf(written, at + written.length)
  }
  return false
}

/** Whether the bracket that closes at `close` was opened by `![`. */
function beginsImage(markdown: string, close: number): boolean {
  let depth = 0
  for (let at = close; at > 0 && at > close - LONGEST_WORDS; at--) {
    if (markdown[at - 1] === '\\') continue
    if (markdown[at] === ']') depth++
    else if (markdown[at] === '[' && --depth === 0) return markdown[at - 1] === '!'
  }
  return false
}
