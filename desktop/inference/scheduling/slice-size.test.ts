import { expect, test } from 'vitest'
import { createSliceSize } from './slice-size.ts'

/** Runs steps and slices of a machine until the size is settled, and returns it with the pause that it makes. */
function settle(stepMs: number, sliceMs: (tokens: number) => number, answersGrow = true): { tokens: number; pause: number } {
  const size = createSliceSize()
  for (let round = 0; round < 40; round++) {
    const tokens = size.tokens(answersGrow)
    if (answersGrow) size.stepTook(stepMs)
    size.sliceTook(tokens, sliceMs(tokens))
  }
  const tokens = size.tokens(answersGrow)
  return { tokens, pause: stepMs + sliceMs(tokens) }
}

test('a growing answer pauses for no more than ten of its steps, on a slow machine', () => {
  const { tokens, pause } = settle(18, tokens => tokens * 6)
  expect(pause).toBeLessThanOrEqual(180)
  expect(tokens).toBeGreaterThanOrEqual(24)
})

test('a fast machine prefills in large slices', () => {
  expect(settle(8, tokens => 5 + tokens * 0.05)).toMatchObject({ tokens: 512 })
})

test('however slow it is, slices do not become tiny, and however slow the steps, not long', () => {
  expect(settle(18, tokens => tokens * 60).tokens).toBe(16)
  expect(settle(1000, tokens => tokens * 6).tokens).toBeLessThanOrEqual(83)
})

test('a draft keeps an answer that comes waiting for 150 ms at the most', () => {
  expect(settle(0, tokens => tokens * 4, false).tokens).toBe(37)
})

test('neither the short rest of a prompt nor a whole batch of one alone counts', () => {
  const size = createSliceSize()
  size.stepTook(18)
  size.tokens(true)
  size.sliceTook(32, 190)
  const before = size.tokens(true)
  size.sliceTook(3, 100)
  size.sliceTook(64, 64)
  expect(size.tokens(true)).toBe(before)
})
