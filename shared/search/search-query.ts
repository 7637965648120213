import { queryWords, runsOf } from './segment-text.ts'

/** What a person typed into the search field, understood. */
export interface SearchQuery {
  /** All of these, in any place; the words of each side by side. Empty: nothing to look for. */
  phrases: { words: string[]; open: boolean }[]
  /** What to show as found, in folded text; null: nothing. */
  shown: RegExp | null
}

const IN_WORD = '[\\p{L}\\p{N}\\p{M}]'

/**
 * All words in any place, those in double quotes side by side, the last one also as a beginning (`open`). What is typed is never FTS
 * syntax: only letters, digits and pictographs come through.
 */
export function understand(text: string): SearchQuery {
  const phrases: (SearchQuery['phrases'][number] & { paired: boolean })[] = []
  const shown: string[] = []
  const pieces = text.replaceAll(/[“”„«»]/g, '"').split('"')
  for (const [index, piece] of pieces.entries()) {
    // Every second piece stands in quotes, if these are closed.
    const quoted = index % 2 === 1 && index < pieces.length - 1
    for (const phrase of quoted ? [piece] : piece.split(/\s+/u)) {
      const found = queryWords(phrase)
      if (found.length === 0) continue
      phrases.push(...found.map(one => ({ ...one, open: false })))
      shown.push(shownOf(phrase))
    }
  }
  // The last word may still be under way, unless a space or a closing quote says that it is whole.
  const last = phrases.at(-1)
  if (last && !last.paired && /[\p{L}\p{N}\p{M}]$/u.test(text)) last.open = true
  return {
    phrases: phrases.map(({ words, open }) => ({ words, open })),
    shown: shown.length > 0 ? new RegExp(shown.join('|'), 'gu') : null,
  }
}

/** The words of a phrase with anything but letters between them; words of a script with spaces only from their beginning. */
function shownOf(phrase: string): string {
  const runs = runsOf(phrase)
  const start = runs[0]?.paired ? '' : `(?<!${IN_WORD})`
  return start + runs.map(run => run.text).join(`[^\\p{L}\\p{N}\\p{M}]*`)
}
