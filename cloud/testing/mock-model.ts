// A language model that computes nothing: its next token follows from all tokens before it, so that one lost, doubled or changed changes all after.

/** Tokens 0 to 255 are bytes, so that a character may lie in several tokens; then come words, then the end. */
const WORDS = [
  'the ',
  'a ',
  'is ',
  'of ',
  'and ',
  'to ',
  'in ',
  'that ',
  'one ',
  'two ',
  'chat ',
  'model ',
  'token ',
  'cloud ',
  'answer ',
  'fast, ',
  'fair. ',
]
/** Written in bytes, one token each. */
const SPELLED = ['ü', '→ ', '漢', '🙂 ']
const FIRST_WORD = 256
export const END_TOKEN = FIRST_WORD + WORDS.length

const encoder = new TextEncoder()
const MIX = 0x9e3779b1

export const tokenize = (text: string): number[] => [...encoder.encode(text)]

/** The bytes of tokens; the end has none. */
function bytesOf(token: number): Uint8Array {
  if (token < FIRST_WORD) return Uint8Array.of(token)
  return encoder.encode(WORDS[token - FIRST_WORD] ?? '')
}

export function detokenize(tokens: readonly number[]): string {
  return new TextDecoder().decode(Buffer.concat(tokens.map(bytesOf)))
}

export interface ChatTurn {
  role: string
  content: unknown
}

/** In this model's template. `continued`: the last turn is the beginning of the answer. */
export function templated(turns: readonly ChatTurn[], continued = false): string {
  const text = ({ content }: ChatTurn) => (typeof content === 'string' ? content : JSON.stringify(content ?? ''))
  const written = turns.map(turn => `${turn.role}: ${text(turn)}\n`)
  if (!continued) return `${written.join('')}assistant: `
  return `${written.slice(0, -1).join('')}assistant: ${turns.length > 0 ? text(turns.at(-1)!) : ''}`
}

/** What the model has read and said, one token after the other. */
export interface ModelState {
  read(token: number): void
  /** The next token. `seed`: another draw. */
  next(seed: number): number
}

export function createModelState(): ModelState {
  let state = 17
  /** Bytes of a character that has begun. */
  let due: number[] = []
  const mix = (value: number) => Math.imul(state ^ value, MIX) ^ (state >>> 13)
  return {
    read(token) {
      state = mix(token + 1)
      due = due[0] === token ? due.slice(1) : restOfCharacter(token)
    },
    next(seed) {
      if (due.length > 0) return due[0]!
      const draw = (mix(seed * 7919 + 3) >>> 0) % 64
      if (draw === 63) return END_TOKEN
      if (draw >= 52) return encoder.encode(SPELLED[draw % SPELLED.length])[0]!
      return FIRST_WORD + (draw % WORDS.length)
    },
  }
}

/** The bytes that have to come after this one, where it begins one of the characters that are spelled. */
function restOfCharacter(token: number): number[] {
  const spelled = SPELLED.map(character => [...encoder.encode(character)]).find(([first]) => first === token)
  return spelled && token > 127 ? spelled.slice(1) : []
}
