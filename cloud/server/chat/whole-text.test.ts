import { expect, test } from 'vitest'
import { createWholeText } from './whole-text.ts'

test('a character that came in halves is told whole, once both are there', () => {
  const text = createWholeText()
  expect(['a\uD83D', '\uDE00b', '\uD83D', '', '\uDE00'].map(text.take)).toEqual(['a', '😀b', '', '', '😀'])
  expect(text.end()).toBe('')
})

test('what is no text is told as the character that says so', () => {
  const text = createWholeText()
  expect(text.take('\uDE00a\uD83Db\0\uD83D')).toBe('\uFFFDa\uFFFDb\uFFFD')
  expect(text.end()).toBe('\uFFFD')
})
