// Text as the search index sees it: lower case, without accents, one word after the other.

/** Scripts written without spaces between words. */
const unspaced =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}ー々〆'
const words = new RegExp(`(?<one>[${unspaced}])|[\\p{L}\\p{N}\\p{M}_]`, 'gu')
const isUnspaced = new RegExp(`^[${unspaced}]$`, 'u')

/** Compatibility forms and accents folded, case folded. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0640]/g, '')
    .normalize('NFC')
    .toLowerCase()
}

/** The words of a text; each character of a script without spaces is one. */
export function segmentText(text: string): string[] {
  const found: string[] = []
  let word = ''
  let end = 0
  const folded = foldText(text)
  for (const match of folded.matchAll(words)) {
    const character = match[0]
    const alone = isUnspaced.test(character)
    if (word !== '' && (alone || match.index !== end)) {
      found.push(word)
      word = ''
    }
    if (alone) found.push(character)
    else word += character
    end = match.index + character.length
  }
  if (word !== '') found.push(word)
  return found
}
