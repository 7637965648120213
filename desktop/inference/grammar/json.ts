import { allBut, character, type Characters, joined, overlap } from './characters.ts'
import { byte, choice, empty, optional, repeat, type Rule, sequence, text } from './rule.ts'

const quote = text('"')
export const digit = byte(0x30, 0x39)
const digitFromOne = byte(0x31, 0x39)
const hex = character([
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
])

const needsEscape: Characters = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]
const shortEscapes = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
])

/** One of these characters as it stands inside a JSON string, each in one way of writing. */
export function stringCharacter(characters: Characters): Rule {
  const all = joined(characters)
  const escaped = overlap(all, needsEscape).flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
  return choice(
    character(overlap(all, allBut(needsEscape))),
    ...escaped.map(code => text(`\\${shortEscapes.get(code) ?? `u${code.toString(16).padStart(4, '0')}`}`)),
  )
}

/** A character that needs no escape: what the names of properties that nobody named are made of. */
export const plainCharacters = allBut(needsEscape)

/** Any character. A `\u` never names half of a pair, so every text that is let through is one. */
export const anyCharacter: Rule = choice(
  character(plainCharacters),
  sequence(
    text('\\'),
    choice(
      character(joined(Array.from('"\\/bfnrt', one => [one.charCodeAt(0), one.charCodeAt(0)] as const))),
      sequence(
        text('u'),
        choice(
          sequence(
            character([
              [0x30, 0x39],
              [0x41, 0x43],
              [0x45, 0x46],
              [0x61, 0x63],
              [0x65, 0x66],
            ]),
            hex,
            hex,
            hex,
          ),
          sequence(
            character([
              [0x44, 0x44],
              [0x64, 0x64],
            ]),
            byte(0x30, 0x37),
            hex,
            hex,
          ),
        ),
      ),
    ),
  ),
)

export const inQuotes = (content: Rule): Rule => sequence(quote, content, quote)
export const anyString = inQuotes(repeat(anyCharacter))

/** Digits end: a model that likes a digit would write it until its window is full. */
const MOST_DIGITS = 16
export const wholeNumber = choice(text('0'), sequence(digitFromOne, repeat(digit, 0, MOST_DIGITS - 1)))
export const anyInteger = sequence(optional(text('-')), wholeNumber)
/** Exponents of two digits: with three a number could be larger than any that programs know. */
export const anyNumber = sequence(
  anyInteger,
  optional(sequence(text('.'), repeat(digit, 1, MOST_DIGITS))),
  optional(
    sequence(
      character([
        [0x45, 0x45],
        [0x65, 0x65],
      ]),
      optional(
        character([
          [0x2b, 0x2b],
          [0x2d, 0x2d],
        ]),
      ),
      repeat(digit, 1, 2),
    ),
  ),
)

/** Where blanks may stand: between the parts of a list or an object, and never more than indents it. */
export interface Blanks {
  between: Rule
}
export const noBlanks: Blanks = { between: empty }
export const someBlanks: Blanks = {
  between: optional(
    choice(
      text(' '),
      sequence(
        text('\n'),
        repeat(
          character([
            [0x09, 0x09],
            [0x20, 0x20],
          ]),
          0,
          40,
        ),
      ),
    ),
  ),
}

export function list(item: Rule, { between }: Blanks, min = 0, max = Infinity): Rule {
  const more = sequence(text(','), between, item)
  const some = sequence(between, item, repeat(more, Math.max(0, min - 1), max - 1), between)
  return sequence(text('['), min > 0 ? some : max > 0 ? choice(between, some) : empty, text(']'))
}

/** Any JSON. */
export function anyValue(blanks: Blanks): { value: Rule; object: Rule } {
  const { between } = blanks
  const value: Rule = { kind: 'later', rule: undefined }
  const pair = sequence(anyString, text(':'), between, value)
  const pairs = sequence(between, pair, repeat(sequence(text(','), between, pair)), between)
  const object = sequence(text('{'), choice(between, pairs), text('}'))
  value.rule = choice(object, list(value, blanks), anyString, anyNumber, text('true'), text('false'), text('null'))
  return { value, object }
}
