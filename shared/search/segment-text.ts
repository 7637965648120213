// Text as the search index sees it: folded words, one after the other. Scripts written without spaces become overlapping pairs of
// characters ("中国人" → 中国 国人), so that a word of two characters is one token, rare enough to be found at once.

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

/**
 * The words under which a text is kept in the index: in the order of the text, so that phrases can be found; then each character of the
 * paired scripts once, for who looks for a single one.
 */
export function indexWords(text: string): string[] {
  const words: string[] = []
  const singles = new Set<string>()
  for (const run of runsOf(text)) {
    if (!run.paired) {
      words.push(run.text)
      continue
    }
    const characters = Array.from(run.text)
    words.push(...pairs(characters))
    for (const character of characters) singles.add(character)
  }
  return [...words, ...singles]
}

/** Words that a text with `text` in it has side by side, one list for each stretch that the index can tell the order of. */
export function queryWords(text: string): { words: string[]; paired: boolean }[] {
  const phrases: { words: string[]; paired: boolean }[] = []
  let open = false
  for (const run of runsOf(text)) {
    const characters = Array.from(run.text)
    const single = run.paired && characters.length === 1
    const words = run.paired && !single ? pairs(characters) : [run.text]
    const last = phrases.at(-1)
    if (open && !single && last) {
      last.words.push(...words)
      last.paired = run.paired
    } else {
      phrases.push({ words, paired: run.paired })
    }
    // A single character stands at the end of the index's row, away from its neighbours.
    open = !single
  }
  return phrases
}

export interface Run {
  text: string
  paired: boolean
}

/** The runs of letters and digits of one kind, folded. */
export function runsOf(text: string): Run[] {
  return Array.from(foldText(text).matchAll(RUN), match => ({ text: match[0], paired: match[1] !== undefined }))
}

function pairs(characters: string[]): string[] {
  return characters.slice(1).map((character, index) => characters[index]! + character)
}
