import type { SearchHit } from './search-hit.ts'
import { foldText } from './segment-text.ts'

const LENGTH = 160
/** Of these, before the first match. */
const BEFORE = 50
/** Text is folded in pieces of this size until a match is found; neighbours overlap, so that none is missed between two. */
const PIECE = 4096
const OVERLAP = 256

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** The neighbourhood of the first match, about 160 characters, cut between characters as people see them, into hit and not hit. */
export function snippetOf(text: string, shown: RegExp | null): SearchHit['snippet'] {
  const start = shown ? firstMatch(text, shown) : 0
  const from = boundary(text, Math.max(0, start - BEFORE))
  const slice = text.slice(from, boundary(text, Math.min(text.length, from + LENGTH)))
  const snippet: SearchHit['snippet'] = []
  let end = 0
  for (const match of shown ? matchesIn(slice, shown) : []) {
    if (match.from > end) snippet.push({ text: slice.slice(end, match.from), hit: false })
    snippet.push({ text: slice.slice(match.from, match.to), hit: true })
    end = match.to
  }
  if (end < slice.length) snippet.push({ text: slice.slice(end), hit: false })
  return snippet
}

function firstMatch(text: string, shown: RegExp): number {
  for (let at = 0; at < text.length; at += PIECE - OVERLAP) {
    const piece = text.slice(at, at + PIECE)
    const first = matchesIn(piece, shown, 1)[0]
    if (first) return at + first.from
  }
  return 0
}

/** Where the matches in the folded text lie in the text itself. */
function matchesIn(text: string, shown: RegExp, limit = Infinity): { from: number; to: number }[] {
  const folded = foldText(text)
  const found: { from: number; to: number }[] = []
  let map: number[] | undefined
  for (const match of folded.matchAll(shown)) {
    const from = match.index
    const to = from + match[0].length
    // Folding seldom changes a length; where it does, each character is folded alone to see what became what.
    const same = map === undefined && folded.length === text.length && foldText(text.slice(from, to)) === match[0]
    if (same) {
      found.push({ from, to })
    } else {
      map ??= foldMap(text)
      found.push({ from: map[from] ?? text.length, to: map[to] ?? text.length })
    }
    if (found.length === limit) break
  }
  return found
}

/** For each place in the folded text, the beginning of the character in the text that it came from. */
function foldMap(text: string): number[] {
  const map: number[] = []
  for (const { segment, index } of graphemes.segment(text)) {
    for (let count = foldText(segment).length; count > 0; count--) map.push(index)
  }
  map.push(text.length)
  return map
}

/** The nearest place at or before `at` that does not cut a character in two. */
function boundary(text: string, at: number): number {
  if (at <= 0 || at >= text.length) return at
  // Wider than the longest character people use: a family with skin tones has 25 units.
  const from = Math.max(0, at - 64)
  return from + (graphemes.segment(text.slice(from, at + 64)).containing(at - from)?.index ?? at - from)
}
