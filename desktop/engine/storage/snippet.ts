import type { SearchHit } from '@fusion/shared/contract/engine.ts'
import { foldText, segmentText } from './segment-text.ts'

const LENGTH = 160

/** The neighbourhood of the first match, about 160 characters, cut into hit and not hit. */
export function snippetOf(text: string, query: string): SearchHit['snippet'] {
  const wanted = segmentText(query)
  const folded = foldText(text)
  const at = folded.length === text.length ? wanted.map(word => folded.indexOf(word)).find(index => index >= 0) : undefined
  if (at === undefined) return [{ text: text.slice(0, LENGTH), hit: false }]
  const word = wanted.find(word => folded.startsWith(word, at))!
  const from = Math.max(0, at - 60)
  return [
    { text: text.slice(from, at), hit: false },
    { text: text.slice(at, at + word.length), hit: true },
    { text: text.slice(at + word.length, from + LENGTH), hit: false },
  ].filter(piece => piece.text !== '')
}
