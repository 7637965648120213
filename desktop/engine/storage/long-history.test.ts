import { expect, test } from 'vitest'
import { countHistory, writeHistory } from './testing/long-history.ts'
import { measureSearches } from './testing/search-mix.ts'
import { openTestStorage } from './testing/test-storage.ts'

test('a history of several languages, written in two goes, answers every kind of search', () => {
  const { storage, reopen } = openTestStorage()
  writeHistory(storage, 0, 1500)
  const again = reopen()
  expect(countHistory(again)).toBe(1500)
  writeHistory(again, 1500, 3000)
  expect(again.conversations.all()).toHaveLength(80)
  expect(measureSearches(again, 1).map(({ kind, empty }) => [kind, empty])).toEqual([
    ['rare', 0],
    ['common', 0],
    ['phrase', 0],
    ['prefix', 0],
    ['two Chinese characters', 0],
    ['in a small folder', expect.any(Number)],
    ['in a large folder', expect.any(Number)],
  ])
})
