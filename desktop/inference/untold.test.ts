import { expect, test } from 'vitest'
import { createUntold } from './untold.ts'

test('tokens are told with the text that they begin in', () => {
  const untold = createUntold({ ids: true, logprobs: false })
  // A word, the two halves of a character, another word.
  for (const [id, at] of [
    [1, 0],
    [2, 4],
    [3, 4],
    [4, 5],
  ] as const)
    untold.add({ id }, at)
  expect(untold.take(0)).toEqual({ tokens: 0, tokenIds: [] })
  expect(untold.take(4)).toEqual({ tokens: 1, tokenIds: [1] })
  expect(untold.take(5)).toEqual({ tokens: 2, tokenIds: [2, 3] })
  expect(untold.take(Infinity)).toEqual({ tokens: 1, tokenIds: [4] })
})

test('without ids or logprobs they are only counted', () => {
  const untold = createUntold({ ids: false, logprobs: false })
  untold.add({ id: 1 }, 0)
  expect(untold.take(1)).toEqual({ tokens: 1 })
})
