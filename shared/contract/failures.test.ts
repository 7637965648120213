import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FailureBody } from '../rpc/failure.ts'
import { codes, failure, sentence } from './failures.ts'

const body = (code: string, detail?: FailureBody['detail']): FailureBody => ({
  code,
  message: '',
  retryable: false,
  ...(detail && { detail }),
})

describe.each(codes)('the words for `%s`', code => {
  const words = Object.values(sentence(body(code)))

  test('are whole sentences that end with a full stop', () => {
    for (const text of words) {
      expect(text).toMatch(/^[A-Z0-9].*\.$/s)
      expect(text).not.toMatch(/ {2}|\n| [.,;:](?!\w)/)
    }
  })

  test('leave no hole, and shout at nobody', () => {
    for (const text of words) expect(text).not.toMatch(/[{}!]|undefined|null|\bNaN\b/)
  })
})

test('words are filled from the detail', () => {
  expect(sentence(body('model-too-large', { model: 'Qwen', needed: '9 GB', free: '4 GB' })).what).toBe(
    'Qwen needs 9 GB of memory; 4 GB is free.',
  )
})

test('many tokens are read in groups, a day by its name, and the number of a port as it is', () => {
  expect(Object.values(sentence(body('budget-spent', { used: 1_000_000, budget: 1_000_000, date: '2026-12-01' })))).toEqual([
    'The tokens of this month are used up: 1,000,000 of 1,000,000.',
    'There are new ones from December 1 on. Whoever manages this cloud can allow more.',
  ])
  expect(sentence(body('money-spent', { date: 'soon' })).next).toMatch(/^There is more from soon on\./)
  expect(sentence(body('port-in-use', { port: 14_141 })).what).toContain('port 14141.')
})

test('a name from the detail keeps its first letter at the beginning of a sentence', () => {
  expect(sentence(body('model-not-gguf', { file: 'notes.txt' })).what).toBe('notes.txt is not a model file.')
  expect(sentence(body('model-not-gguf')).what).toBe('The file is not a model file.')
})

test('a detail is put in as it is, also where it looks like words to fill', () => {
  expect(sentence(body('model-file-gone', { model: '{file} $& $1' })).what).toBe('The file of {file} $& $1 is no longer there.')
})

test('an unknown code, and one that every object has, read as `internal`', () => {
  const internal = sentence(body('internal'))
  for (const code of ['no-such-code', '', 'constructor', '__proto__', 'toString']) expect(sentence(body(code))).toEqual(internal)
})

test('every hole in the words has a stand-in, so that a missing detail never shows', () => {
  const source = readFileSync(new URL('failures.ts', import.meta.url), 'utf8')
  const table = source.slice(source.indexOf('const words'), source.indexOf('satisfies'))
  const standIns = source.slice(source.indexOf('const defaultWords'))
  const holes = new Set(Array.from(table.matchAll(/\{(\w+)\}/g), ([, name]) => name))
  expect(holes.size).toBeGreaterThan(0)
  for (const name of holes) expect(standIns).toMatch(new RegExp(`^  ${name}: '`, 'm'))
})

test('a failure carries its words as its message, and its detail', () => {
  const made = failure('model-missing', { model: 'guide' }, { retryable: true })
  expect(made).toMatchObject({ code: 'model-missing', retryable: true, detail: { model: 'guide' } })
  expect(made.message).toBe(sentence(body('model-missing')).what)
})
