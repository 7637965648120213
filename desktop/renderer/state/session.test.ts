import { expect, test } from 'vitest'
import { tokenIn } from './session.ts'

test('only an address that is a token and nothing else is taken for one', () => {
  expect(tokenIn('#token=aB3_-x')).toBe('aB3_-x')
  expect([tokenIn(''), tokenIn('#chat=1'), tokenIn('#token='), tokenIn('#token=a&x=1'), tokenIn('#token=<b>')]).toEqual(
    Array.from({ length: 5 }, () => null),
  )
})
