// What a message is found by, and what a search looks for, in the words of Postgres.
import { createHash } from 'node:crypto'
import type { SearchQuery } from '@fusion/shared/search/search-query.ts'
import { indexWords, SEGMENTS_VERSION } from '@fusion/shared/search/segment-text.ts'

/** What changes the words that are kept: others are made anew. */
export const RULES = SEGMENTS_VERSION
/** UTF-16 units of a piece. Neighbours overlap, so that no word or short phrase is lost between two. */
const PIECE = 32_768
const OVERLAP = 64
/** Text beyond 16 million units is not searched. */
const MOST_PIECES = 500
/** Postgres takes words of 2,046 bytes; of longer ones, which nobody types, the beginning is enough. */
const MOST_UNITS = 100

/** A mark of a person: 36 bits of a hash. That two share one costs some rows that are passed over, and shows nothing. */
export const markOf = (userId: string): string =>
  createHash('sha256').update(userId).digest('base64url').slice(0, 6).replaceAll(/[-_]/g, '0')

export const textOfPiece = (text: string, piece: number): string => text.slice(piece * (PIECE - OVERLAP), piece * (PIECE - OVERLAP) + PIECE)

/** The words of each piece, each once. */
export function wordsOfText(mark: string, text: string): string[][] {
  const count = Math.min(MOST_PIECES, Math.max(1, Math.ceil((text.length - OVERLAP) / (PIECE - OVERLAP))))
  return Array.from({ length: count }, (_, piece) => [
    ...new Set(indexWords(textOfPiece(text, piece)).map(word => mark + word.slice(0, MOST_UNITS))),
  ])
}

/** All words of a query; the last one of a phrase that is open ends with `:*`. */
export const wordsOfQuery = (mark: string, { phrases }: SearchQuery): string[] =>
  phrases.flatMap(({ words, open }) =>
    words.map((word, index) => `${mark}${word.slice(0, MOST_UNITS)}${open && index === words.length - 1 ? ':*' : ''}`),
  )

/** Whether the words of each phrase stand side by side in it, in their order: the database knows of no order. */
export function hasPhrases(text: string, { phrases }: SearchQuery): boolean {
  const words = indexWords(text)
  return phrases.every(phrase =>
    words.some((_, at) =>
      phrase.words.every((word, index) => {
        const here = words[at + index]
        return here === word || (phrase.open && index === phrase.words.length - 1 && here?.startsWith(word) === true)
      }),
    ),
  )
}
