import { expect, test } from 'vitest'
import { planContext, planThreads } from './memory.ts'

const GB = 1e9
const small = {
  weightBytes: 0.4 * GB,
  stateBytesPerToken: 12_288,
  vocabularyTokens: 151_936,
  embeddingLength: 896,
  feedForwardLength: 4864,
  trainedContextTokens: 32_768,
}
const large = {
  weightBytes: 4.9 * GB,
  stateBytesPerToken: 131_072,
  vocabularyTokens: 128_256,
  embeddingLength: 4096,
  feedForwardLength: 14_336,
  trainedContextTokens: 131_072,
}
const plan = (shape: typeof small, freeGb: number, contextTokens: number | null = null) =>
  planContext(shape, { freeBytes: freeGb * GB, contextTokens, batchTokens: 512, name: 'Model' })

test('a small model on a large machine gets its whole window for several chats', () => {
  const { contextTokens, sequences } = plan(small, 20)
  expect(contextTokens).toBe(32_768)
  expect(sequences).toBeGreaterThanOrEqual(2)
})

test('no plan takes more than there is, and more memory never gives less', () => {
  let before = 0
  for (let free = 1; free <= 64; free++) {
    for (const shape of [small, large]) {
      try {
        const { contextTokens, sequences, memoryBytes } = plan(shape, free)
        expect(memoryBytes).toBeLessThanOrEqual(free * GB)
        expect(contextTokens % 256).toBe(0)
        expect(sequences).toBeGreaterThanOrEqual(1)
        expect(sequences).toBeLessThanOrEqual(8)
        if (shape === large) {
          expect(contextTokens * sequences).toBeGreaterThanOrEqual(before)
          before = contextTokens * sequences
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'model-too-large' })
      }
    }
  }
})

test('a model that does not fit is refused with what it needs and what is free', () => {
  expect(() => plan(large, 5)).toThrow(
    expect.objectContaining({ code: 'model-too-large', detail: { model: 'Model', needed: '5.4 GB', free: '5.0 GB' } }),
  )
})

test('a wished window is the upper limit, and small windows serve more chats', () => {
  expect(plan(small, 20, 2048)).toMatchObject({ contextTokens: 2048, sequences: 8 })
  expect(plan(small, 20, 1_000_000).contextTokens).toBe(32_768)
})

test('threads: all of two cores, one left free of more, never more than there are, one for the smallest models', () => {
  const threads = (cores: number, mathCores: number, wished: number | null = null, weightBytes = GB) =>
    planThreads({ cores, mathCores, wished, weightBytes })
  expect([threads(1, 1), threads(2, 1), threads(4, 2), threads(8, 4), threads(8, 8), threads(16, 8)]).toEqual([1, 2, 2, 4, 7, 8])
  expect([threads(2, 2, 16), threads(8, 8, 3), threads(8, 8, null, 3e6)]).toEqual([2, 3, 1])
})
