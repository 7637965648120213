/** In UTF-16 units: 4 ms of tokenizing for most texts, 15 for the slowest (Chinese in a vocabulary of bytes). */
export const SLICE_UNITS = 16_384
/** So much on both sides of a cut is tokenized to try it: longer than any token of any vocabulary. */
const AROUND_UNITS = 256
const TRIES = 6

export type TokenizeText = (text: string, afterText: boolean) => readonly number[]

/**
 * Places where every pre-tokenizer of llama.cpp ends a piece, surest first: between a letter and the line, space or sign after it. Apostrophes
 * belong to the word in some, and digits are grouped from where they begin.
 */
const ends: readonly RegExp[] = [
  /(?<=\p{L})(?=\n)/gu,
  /(?<=\p{L})(?= \p{L})/gu,
  /(?<=\p{L})(?=[[\p{P}\p{S}]--['’_]])/gv,
  /(?<=\n)(?=[\p{L}\p{N}])/gu,
  /(?<=[\p{P}\p{S}\p{N}])(?= \p{L})/gu,
  /(?<!\p{M})(?!\p{M})/gu,
]

/**
 * The tokens of a text, computed in slices with a turn of the event loop between them: a prompt of 2 MB takes a second, and other chats go on
 * meanwhile. Each cut was tried: the text around it gives the same tokens whole and cut. Where a stretch has no such place (one word of
 * thousands of letters) it is cut nevertheless; its tokens then are others than llama.cpp's own there, and still its text.
 */
export async function tokenizeInSlices(
  text: string,
  tokenize: TokenizeText,
  { afterText, sliceUnits = SLICE_UNITS, signal }: { afterText: boolean; sliceUnits?: number; signal?: AbortSignal | undefined },
): Promise<readonly number[]> {
  if (text.length <= sliceUnits) return tokenize(text, afterText)
  const tokens: number[] = []
  for (let from = 0; from < text.length;) {
    const until = text.length - from <= sliceUnits ? text.length : cutBefore(text, from, from + sliceUnits, tokenize)
    for (const token of tokenize(text.slice(from, until), afterText || from > 0)) tokens.push(token)
    from = until
    await new Promise(setImmediate)
    signal?.throwIfAborted()
  }
  return tokens
}

/** The last place in the second half of a slice where it can be cut. */
function cutBefore(text: string, from: number, until: number, tokenize: TokenizeText): number {
  const start = from + ((until - from) >> 1)
  const region = text.slice(start, until)
  for (const end of ends) {
    const places = [...region.matchAll(end)].map(({ index }) => start + index).filter(place => place > start)
    for (const place of places.slice(-TRIES).toReversed()) if (holds(text, place, tokenize)) return place
  }
  // Never through the middle of a character.
  return /[\uDC00-\uDFFF]/.test(text.charAt(until)) ? until - 1 : until
}

function holds(text: string, place: number, tokenize: TokenizeText): boolean {
  const [before, after] = [text.slice(Math.max(0, place - AROUND_UNITS), place), text.slice(place, place + AROUND_UNITS)]
  const whole = tokenize(before + after, true)
  const cut = [...tokenize(before, true), ...tokenize(after, true)]
  return whole.length === cut.length && whole.every((token, index) => token === cut[index])
}
