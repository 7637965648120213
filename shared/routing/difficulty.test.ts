import fc from 'fast-check'
import { expect, test } from 'vitest'
import { difficultyOf, type DifficultySigns, signsOf } from './difficulty.ts'

const easy: DifficultySigns = { characters: 20, questions: 1, codeLines: 0, maths: 0, scripts: 1 }

test('a short question in one language is easy', () => {
  const signs = signsOf('What is a tree?')
  expect(signs).toEqual({ characters: 15, questions: 1, codeLines: 0, maths: 0, scripts: 1 })
  expect(difficultyOf(signs)).toBe(0)
})

test('code, formulas, several questions and several languages are seen', () => {
  const text = [
    'Why is this slow? And is it right? 你能用中文解释一下吗？',
    '```python',
    'def total(rows):',
    '    return sum(r.price for r in rows)',
    '```',
    'It should be \\sum_{i} p_i ≤ n^2.',
  ].join('\n')
  expect(signsOf(text)).toEqual({ characters: text.length, questions: 3, codeLines: 4, maths: 3, scripts: 2 })
  expect(difficultyOf(signsOf(text))).toBeGreaterThan(0.6)
})

test('prose with a Greek letter, a semicolon in a sentence and an address is not taken for more', () => {
  const signs = signsOf('The angle α is small; see https://example.org/a_b for more, and write a letter to Anna.\nThank you.')
  expect(signs).toMatchObject({ codeLines: 0, maths: 0, scripts: 1 })
})

test('a very long text is judged by its beginning and its end, by its whole length, and soon', () => {
  const text = `${'{ \\'.repeat(1_000_000)}\nIs it so?`
  expect(signsOf(text)).toMatchObject({ characters: text.length, questions: 1 })
})

test('for any text: the same again, between 0 and 1', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), text => {
      const difficulty = difficultyOf(signsOf(text))
      expect(difficulty).toBeGreaterThanOrEqual(0)
      expect(difficulty).toBeLessThanOrEqual(1)
      expect(difficultyOf(signsOf(text))).toBe(difficulty)
    }),
  )
})

test('where a sign grows, the difficulty does not fall', () => {
  const signs = fc.record({ characters: fc.nat(100_000), questions: fc.nat(9), codeLines: fc.nat(9), maths: fc.nat(9), scripts: fc.nat(4) })
  const name = fc.constantFrom(...(Object.keys(easy) as (keyof DifficultySigns)[]))
  fc.assert(
    fc.property(signs, name, fc.nat(5000), (before, grown, by) => {
      expect(difficultyOf({ ...before, [grown]: before[grown] + by })).toBeGreaterThanOrEqual(difficultyOf(before))
    }),
  )
  expect(difficultyOf({ characters: 1e9, questions: 99, codeLines: 99, maths: 99, scripts: 9 })).toBe(1)
})
