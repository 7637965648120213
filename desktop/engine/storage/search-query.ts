import { queryWords, runsOf } from './segment-text.ts'

/** What a person typed into the search field, understood. */
export interface SearchQuery {
  /** For FTS5. Empty: nothing to look for. */
  match: string
  /** What to show as found, in folded text; null: nothing. */
  shown: RegExp | null
}

const IN_WORD = '[\\p{L}\\p{N}\\p{M}]'

/**
 * All words in any place, those in double quotes side by side, the last one also as a beginning. What is typed is never FTS syntax:
 * only letters, digits and pictographs come through, always in quotes.
 */
export function understand(text: string): SearchQuery {
  const phrases: { match: string; shown: string }[] = []
  const pieces = text.replaceAll(/[“”„«»]/g, '"').split('"')
  for (const [index, piece] of pieces.entries()) {
    // Every second piece stands in quotes, if these are closed.
    const quoted = index % 2 === 1 && index < pieces.length - 1
    for (const phrase of quoted ? [piece] : piece.split(/\s+/u)) {
      const { words, open } = queryWords(phrase)
      if (words.length > 0) phrases.push({ match: `"${words.join(' ')}"${open ? '*' : ''}`, shown: shownOf(phrase) })
    }
  }
  // The last word may still be under way, unless a space or a closing quote says that it is whole.
  const last = phrases.at(-1)
  if (last && !last.match.endsWith('*') && /[\p{L}\p{N}\p{M}]$/u.test(text)) last.match += '*'
  return {
    match: phrases.map(phrase => phrase.match).join(' '),
    shown: phrases.length > 0 ? new RegExp(phrases.map(phrase => phrase.shown).join('|'), 'gu') : null,
  }
}

/** The words of a phrase with anything but letters between them; words of a script with spaces only from their beginning. */
function shownOf(phrase: string): string {
  const runs = runsOf(phrase)
  const start = runs[0]?.paired ? '' : `(?<!${IN_WORD})`
  return start + runs.map(run => run.text).join(`[^\\p{L}\\p{N}\\p{M}]*`)
}
