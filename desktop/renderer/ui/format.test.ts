import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatDuration, formatMoment, plural } from './format.ts'

test('numbers are short and do not lie about their size', () => {
  expect([0, 999, 1000, 3_280_896, 9_960_000, 4_920_000_000].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '3.3 MB',
    '10 MB',
    '4.9 GB',
  ])
  expect([31.4, 820, 2719, 9949, 128_000, 999_600].map(formatCount)).toEqual(['31', '820', '2.7k', '9.9k', '128k', '1.0M'])
  expect([3, 340, 2100, 12_345, 80_000].map(formatDuration)).toEqual(['3 ms', '340 ms', '2.1 s', '12 s', '1 min 20 s'])
  expect([plural(1, 'chat'), plural(1200, 'chat'), plural(2, 'reply', 'replies')]).toEqual(['1 chat', '1,200 chats', '2 replies'])
})

test('a moment says its time on its own day, and its year only where that is another', () => {
  const today = new Date(2026, 10, 25, 0, 5)
  const moments = [new Date(2026, 10, 25, 0, 4), new Date(2026, 10, 25, 23, 59), new Date(2026, 10, 24, 23, 59), new Date(2024, 1, 29)]
  expect(moments.map(at => formatMoment(at.getTime(), today))).toEqual([
    'today at 00:04',
    'today at 23:59',
    'November 24',
    'February 29, 2024',
  ])
})
