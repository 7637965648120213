import { expect, test } from 'vitest'
import { holds, layOut, rowsBetween } from './layout.ts'

const offsets = layOut(['a', 'b', 'c', 'd'], (_, index) => [100, 50, 200, 25][index]!)

test('rows stand one below the other', () => {
  expect([...offsets]).toEqual([0, 100, 150, 350, 375])
})

test.for([
  [0, 100, { first: 0, end: 1 }],
  [0, 101, { first: 0, end: 2 }],
  [100, 150, { first: 1, end: 2 }],
  [120, 360, { first: 1, end: 4 }],
  [374, 2000, { first: 3, end: 4 }],
  [5000, 9000, { first: 3, end: 4 }],
] as const)('from %d to %d the rows are %j', ([top, bottom, range]) => {
  expect(rowsBetween(offsets, top, bottom)).toEqual(range)
})

test('there are no rows in an empty list', () => {
  expect(
    rowsBetween(
      layOut([], () => 1),
      0,
      100,
    ),
  ).toEqual({ first: 0, end: 0 })
})

test('a range holds itself and what lies in it', () => {
  expect(holds({ first: 2, end: 9 }, { first: 2, end: 9 })).toBe(true)
  expect(holds({ first: 2, end: 9 }, { first: 1, end: 5 })).toBe(false)
  expect(holds({ first: 2, end: 9 }, { first: 3, end: 10 })).toBe(false)
})
