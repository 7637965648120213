import type { Matcher, State } from './matcher.ts'
import { Unusable } from './unusable.ts'

/** The tokens of a model by their bytes. */
export interface Vocabulary {
  readonly size: number
  /** Tokens that end an answer. */
  readonly ends: readonly number[]
  /** After this token; undefined where it may not come. */
  after(matcher: Matcher, state: State, token: number): State | undefined
  /**
   * All tokens that may come, `ends` left out; undefined when they are more than `most`, or too many were looked at. Throws `Unusable` where a
   * grammar makes it too hard.
   */
  allowed(matcher: Matcher, state: State, most: number): readonly number[] | undefined
}

/** What may be looked at before it is clear that they are many: a third of a millisecond. */
const LOOKS_FOR_FEW = 20_000
/** What looking may take of the processor; usual are 80 at the most. */
const MOST_MS = 500
/** Other chats go on between pieces of so many tokens: 5 ms. */
const PIECE_TOKENS = 8_192

/** Reads the vocabulary once. `bytesOf` gives undefined for tokens that are no text. */
export async function createVocabulary({
  size,
  ends,
  bytesOf,
}: {
  size: number
  ends: readonly number[]
  bytesOf: (token: number) => Buffer | undefined
}): Promise<Vocabulary> {
  // As strings of one character for each byte: the engine compares and sorts them by itself.
  const texts = Array.from({ length: size }, () => '')
  const byFirst = Array.from({ length: 256 }, (): number[] => [])
  let letters = 0
  for (let token = 0; token < size; token++) {
    if (token % PIECE_TOKENS === PIECE_TOKENS - 1) await new Promise(setImmediate)
    const text = bytesOf(token)?.toString('latin1') ?? ''
    texts[token] = text
    letters += text.length
    if (text !== '') byFirst[text.charCodeAt(0)]!.push(token)
  }

  // A tree of beginnings, written in the order of a walk: whoever may not go on skips all that begins alike.
  const byte = new Uint8Array(letters)
  const depth = new Uint16Array(letters)
  const skip = new Int32Array(letters)
  /** The first token that ends here, and for each token the next one of the same bytes. */
  const tokenAt = new Int32Array(letters).fill(-1)
  const same = new Int32Array(size).fill(-1)
  let nodes = 0
  for (const tokens of byFirst) {
    await new Promise(setImmediate)
    tokens.sort((a, b) => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : a - b))
    const open: number[] = []
    let last = ''
    for (const token of tokens) {
      const text = texts[token]!
      let common = 0
      while (common < last.length && last.charCodeAt(common) === text.charCodeAt(common)) common++
      while (open.length > common) skip[open.pop()!] = nodes
      for (let at = common; at < text.length; at++) {
        byte[nodes] = text.charCodeAt(at)
        depth[nodes] = at
        open.push(nodes++)
      }
      const node = open.at(-1)!
      same[token] = tokenAt[node]!
      tokenAt[node] = token
      last = text
    }
    while (open.length > 0) skip[open.pop()!] = nodes
  }

  return {
    size,
    ends,
    after(matcher, state, token) {
      const named = state.tokens.includes(token) ? matcher.afterToken(state, token) : undefined
      const text = texts[token]
      if (named || !text) return named
      let found: State | undefined = state
      for (let at = 0; found && at < text.length; at++) found = matcher.next(found, text.charCodeAt(at))
      return found
    },
    allowed(matcher, state, most) {
      const found = [...state.tokens]
      const states: State[] = [state]
      let looks = 0
      const began = process.cpuUsage()
      for (let node = 0; node < nodes;) {
        if (++looks > LOOKS_FOR_FEW && most < size) return undefined
        if (looks % 64 === 0 && process.cpuUsage(began).user > MOST_MS * 1000) throw new Unusable('#', 'too much can follow in it')
        const at = depth[node]!
        const next = matcher.next(states[at]!, byte[node]!)
        if (!next) {
          node = skip[node]!
          continue
        }
        states[at + 1] = next
        for (let token = tokenAt[node]!; token >= 0; token = same[token]!) found.push(token)
        if (found.length > most) return undefined
        node++
      }
      return found
    },
  }
}
