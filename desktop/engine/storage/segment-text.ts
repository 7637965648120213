// Text as the search index sees it: folded words, one after the other. Scripts written without spaces become overlapping pairs of
// characters ("中国人" → 中国 国人 人), so that a word of two characters is one token, rare enough to be found at once, and a single
// character is the beginning of one.

/** Part of the index's version: raise it whenever the same text would give other words, and the index is made anew. */
export const SEGMENTS_VERSION = 1

/** Without spaces between words, or (Hangul) with endings grown to the word; and signs that are looked for alone. */
const PAIRED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}ー々〆\\p{Extended_Pictographic}'
const RUN = new RegExp(`([${PAIRED}]+)|(?:(?![${PAIRED}])[\\p{L}\\p{N}\\p{M}])+`, 'gu')

/** Marks that people leave out when they search: Latin, Greek and Cyrillic accents, Arabic and Hebrew vowel signs, the Arabic stretch. */
const MARKS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]/g
// eslint-disable-next-line no-control-regex
const ASCII = /^[\u0000-\u007f]*$/

/** Lower case, compatibility forms made plain, accents gone: "Ｃａｆé" and "cafe" are the same. */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text.normalize('NFKD').replace(MARKS, '').normalize('NFC').toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')
}

/** The words under which a text is kept in the index. */
export function indexWords(text: string): string[] {
  return runsOf(text).flatMap(run => (run.paired ? pairs(run.text) : [run.text]))
}

/**
 * The words to look for, side by side, to find a text that holds `text`; `open`: the last one may go on.
 * A single character of a paired script is always open: it stands in the index as the beginning of a pair.
 */
export function queryWords(text: string): { words: string[]; open: boolean } {
  const runs = runsOf(text)
  const words = runs.flatMap(run => (run.paired ? pairs(run.text) : [run.text]))
  const last = runs.at(-1)
  if (!last?.paired) return { words, open: false }
  // The index holds the last character alone only where the run ends there; the pair before it says it already.
  if (words.length > 1 && Array.from(last.text).length > 1) return { words: words.slice(0, -1), open: false }
  return { words, open: true }
}

export interface Run {
  text: string
  paired: boolean
}

/** The runs of letters and digits of one kind, folded. */
export function runsOf(text: string): Run[] {
  return Array.from(foldText(text).matchAll(RUN), match => ({ text: match[0], paired: match[1] !== undefined }))
}

function pairs(run: string): string[] {
  const characters = Array.from(run)
  return characters.map((character, index) => character + (characters[index + 1] ?? ''))
}
