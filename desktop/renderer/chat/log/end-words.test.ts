import { expect, test } from 'vitest'
import { endWords } from './end-words.ts'

const parts = [{ type: 'text' as const, text: 'Yes.' }]

test('an answer that ended by itself needs no words, and one without a word has some', () => {
  expect(endWords({ parts, status: 'complete', finishReason: 'stop' })).toBeNull()
  expect(endWords({ parts: [], status: 'complete', finishReason: 'stop' })).toBe('The model ended without a word.')
  const thought = [{ type: 'reasoning' as const, text: 'Hm.' }]
  expect(endWords({ parts: thought, status: 'complete', finishReason: 'stop' })).toBe('The model ended without a word.')
})

test('an answer that was stopped or cut off says so', () => {
  expect(endWords({ parts, status: 'stopped', finishReason: null })).toBe('Stopped.')
  expect(endWords({ parts: [], status: 'stopped', finishReason: null })).toBe('Stopped before the first word.')
  expect(endWords({ parts, status: 'complete', finishReason: 'length' })).toContain('the length that is set')
  expect(endWords({ parts, status: 'complete', finishReason: 'window' })).toContain('window is full')
})
