import { beforeAll, expect, test } from 'vitest'
import { loadLlama, type LoadedLlama } from './llama.ts'
import { guide } from './testing/inference.ts'
import { createTokenText } from './token-text.ts'

let llama: LoadedLlama
beforeAll(async () => {
  const request = { path: guide, backend: 'cpu', threads: 1, contextTokens: 256, memoryBytes: null } as const
  llama = await loadLlama(request, () => {}, new AbortController().signal)
})

const tokensOf = (text: string) => Array.from(llama.native.tokenize(text, false))
const write = (tokens: readonly number[]) => {
  const text = createTokenText(llama.native, [], new Map())
  const pieces = tokens.map(token => text.push(token))
  return { pieces, text: pieces.join('') + text.end() }
}

const samples = [
  'plain words',
  'Zürich, façade',
  '中文输入 test',
  'emoji 🙂👩‍👩‍👧‍👦🏳️‍🌈!',
  'עברית العربية हिन्दी',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{1F600}\u{1F9D1}\u{200D}\u{1F680}',
  ' leading\n\n trailing ',
]

test.each(samples)('%s comes through whole, and never in halves of characters', sample => {
  const { pieces, text } = write(tokensOf(sample))
  expect(text).toBe(sample)
  for (const piece of pieces) {
    expect(piece.isWellFormed()).toBe(true)
    expect(piece).not.toContain('\uFFFD')
  }
})

test('this model splits an emoji over several tokens, so that there is something to hold back', () => {
  expect(tokensOf('🙂').length).toBeGreaterThan(1)
  expect(write(tokensOf('🙂')).pieces.slice(0, -1)).toEqual(
    tokensOf('🙂')
      .slice(0, -1)
      .map(() => ''),
  )
})

test('a character that is cut off at the end is left out', () => {
  expect(write(tokensOf('so 🙂').slice(0, -1)).text).toBe('so ')
})

test('bytes that never become a character do not hold back what follows', () => {
  const [half = 0] = tokensOf('🙂')
  const { text } = write([half, half, half, half, half, ...tokensOf('words')])
  expect(text).toMatch(/words$/)
})

test('control tokens leave no text', () => {
  const end = Array.from(llama.native.tokenize('<|end|><|user|>', true))
  expect(end.length).toBe(2)
  expect(write([...tokensOf('hello'), ...end]).text).toBe('hello')
})

test('control tokens that marks are made of are read as text', () => {
  const [end = 0] = llama.native.tokenize('<|end|>', true)
  const text = createTokenText(llama.native, [], new Map([[end, '<mark>']]))
  expect([...tokensOf('a'), end, ...tokensOf('b')].map(token => text.push(token)).join('')).toBe('a<mark>b')
})
