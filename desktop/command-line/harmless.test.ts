import { expect, test } from 'vitest'
import { harmless, harmlessLine, json } from './harmless.ts'

test('what a terminal would obey is shown, not obeyed', () => {
  expect(harmless('a\x1b[31mred\x1b]0;title\x07\x9b2J\x7f')).toBe('a␛[31mred␛]0;title␇�2J␡')
})

test('no character below a space passes, but tab and line feed; a carriage return writes over no line', () => {
  const all = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('')
  const left = harmless(all).match(/[\0-\x1f\x7f-\x9f]/g)
  expect(left).toEqual(['\t', '\n'])
  expect(harmless('good\rbad\r\n')).toBe('goodbad\n')
})

test('what turns the order of reading around is taken out, and letters of every script stay', () => {
  expect(harmless('abc\u202egpj.exe\u2066')).toBe('abc�gpj.exe�')
  const words = 'Grüße שלום مرحبا 你好 👩‍👩‍👧 e\u0301'
  expect(harmless(words)).toBe(words)
})

test('a name stays one line', () => {
  expect(harmlessLine('Llama\n\x1b[2J 8B')).toBe('Llama ␛[2J 8B')
})

test('JSON has the same text, and nothing that a terminal obeys', () => {
  const value = { text: 'a\x1b[0m\x9b\x7f\u202e' }
  expect(json(value)).toBe(String.raw`{"text":"a\u001b[0m\u009b\u007f\u202e"}`)
  expect(JSON.parse(json(value))).toEqual(value)
})
