import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { loadLlama, type LoadedLlama } from './llama.ts'
import { guide } from './testing/inference.ts'
import { SLICE_UNITS, tokenizeInSlices } from './tokenize-in-slices.ts'

let llama: LoadedLlama
beforeAll(async () => {
  const request = { path: guide, backend: 'cpu', threads: 1, contextTokens: 256, memoryBytes: null } as const
  llama = await loadLlama(request, () => {}, new AbortController().signal)
})
const tokenize = (text: string) => Array.from(llama.native.tokenize(text, false))

// What pre-tokenizers treat differently: letters of several scripts, contractions, numbers, signs, white space in all its forms, marks.
const word = fc.oneof(
  fc.constantFrom(
    'chat',
    'Zürich',
    'history',
    'don',
    '漢字',
    'नमस्ते',
    'e\u0301',
    '1234567',
    '3.14',
    'x=1;',
    '😀',
    '👩‍👩‍👧',
    '<|end|>',
    '_a_',
    '…',
  ),
  fc.string({ maxLength: 8, unit: 'grapheme' }),
)
const between = fc.constantFrom(' ', ' ', ' ', '  ', '\n', '\n\n', '\r\n', '\t', ', ', '. ', "'s ", '。', '', '\n    ')
const prose = fc.array(fc.tuple(word, between), { minLength: 100, maxLength: 200 }).map(parts => parts.flat().join(''))

test('in slices a text has the tokens it has whole', async () => {
  await fc.assert(
    fc.asyncProperty(prose, fc.integer({ min: 100, max: 400 }), async (text, sliceUnits) => {
      expect(await tokenizeInSlices(text, tokenize, { afterText: false, sliceUnits })).toEqual(tokenize(text))
    }),
    // A stretch whose last words stand after an empty line and signs.
    {
      numRuns: 300,
      examples: [
        [
          'chat  chat chat chat    chat   chat chat  chat    chat  chat  chat     chat  chat chat  chat chat  chat   chat chat chat chat  chat chat      Ø       chat A\n\nchatनमस्ते 👩‍👩‍👧  😀 👩‍👩‍👧. history 😀. 𐀀 𐀀\r\nchat   𐀀Ⰰ𐊀 3.14\r\n   𐀀 👩‍👩‍👧 _a_\n\nhistory chat chat   chat chat chat chat  chat     chat chat  chat    chat  chat  chat ',
          100,
        ],
      ],
    },
  )
})

test('a long text is never read at one go, and other work is done in between', async () => {
  const lengths: number[] = []
  let turns = 0
  const beside = setInterval(() => turns++)
  const reading = (text: string) => {
    lengths.push(text.length)
    return tokenize(text)
  }
  const text = 'Ein langer Satz über nichts. 漢字 😀 '.repeat(10_000)
  const tokens = await tokenizeInSlices(text, reading, { afterText: false })
  clearInterval(beside)
  expect(tokens).toEqual(tokenize(text))
  expect(Math.max(...lengths)).toBeLessThanOrEqual(SLICE_UNITS)
  expect(turns).toBeGreaterThan(0)
})

test.each([
  ['one word', 'a'.repeat(60_000)],
  ['characters of two units', '😀'.repeat(30_000)],
  ['nothing but lines', '\n'.repeat(60_000)],
  ['digits', '1234567890'.repeat(6_000)],
])('a text without a place to cut (%s) is cut all the same, and loses nothing', async (_, text) => {
  let longest = 0
  const tokens = await tokenizeInSlices(
    text,
    slice => {
      longest = Math.max(longest, slice.length)
      return tokenize(slice)
    },
    { afterText: false },
  )
  expect(llama.native.detokenize(Uint32Array.from(tokens), false) === text).toBe(true)
  expect(longest).toBeLessThanOrEqual(SLICE_UNITS)
})

test('a reader that leaves ends the reading', async () => {
  const controller = new AbortController()
  let slices = 0
  const reading = (text: string) => {
    if (text.length > SLICE_UNITS / 2 && ++slices === 2) controller.abort(new Error('left'))
    return tokenize(text)
  }
  const text = 'many words in a row '.repeat(20_000)
  await expect(tokenizeInSlices(text, reading, { afterText: false, signal: controller.signal })).rejects.toThrow('left')
  expect(slices).toBe(2)
})
