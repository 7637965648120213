import { failure } from '@fusion/shared/contract/failures.ts'
import { expect, test } from 'vitest'
import { framesOf, reasonOf } from './log-error.ts'

test('of an error the log gets its kind and where it happened, never its message', () => {
  const quoting = new TypeError('cannot read\n    at my secret\nof a letter')
  expect(reasonOf(quoting)).toBe('TypeError')
  expect(reasonOf(failure('disk-full'))).toBe('disk-full')
  expect(reasonOf('my secret')).toBe('unknown')
  expect(framesOf(quoting)[0]).toContain('log-error.test.ts')
  expect(framesOf(quoting).join()).not.toContain('secret')
  expect(framesOf('my secret')).toEqual([])
})
