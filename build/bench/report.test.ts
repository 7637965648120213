import { expect, test } from 'vitest'
import { asTable, type Goal, judge, unmeasured } from './report.ts'

const atLeast = (value: number): Goal => ({ of: 'ratio', sense: 'at least', value })
const rounds = (...ours: number[]) => ours.map(ours => ({ ours, reference: 8 }))

test('a row holds when the middle half of its rounds does', () => {
  expect(judge('speed', 'tokens/s', rounds(7, 8, 9, 10, 4), atLeast(0.75))).toEqual({
    what: 'speed',
    ours: 8,
    reference: 8,
    unit: 'tokens/s',
    ratio: 1,
    spread: [0.875, 1.125],
    goal: 'ratio ≥ 0.75',
    holds: true,
  })
})

test('a row does not hold when the middle half of its rounds misses the goal', () => {
  expect(judge('speed', 'tokens/s', rounds(5, 5.1, 5.2), atLeast(0.75)).holds).toBe(false)
})

test('a goal within the spread is inconclusive', () => {
  expect(judge('speed', 'tokens/s', rounds(5, 6, 7, 8), atLeast(0.75)).holds).toBe('inconclusive')
})

test('a goal may be a distance from the reference', () => {
  const goal: Goal = { of: 'difference', sense: 'at most', value: 15 }
  const row = judge('first token', 'ms', [{ ours: 310, reference: 300 }], goal)
  expect([row.holds, row.spread, row.goal]).toEqual([true, [10, 10], '≤ reference + 15 ms'])
  expect(judge('first token', 'ms', [{ ours: 320, reference: 300 }], goal).holds).toBe(false)
})

test('without its reference a comparison is inconclusive, but our own figure stands', () => {
  const row = judge('speed', 'tokens/s', [{ ours: 40, reference: null }], atLeast(0.97))
  expect([row.ours, row.reference, row.ratio, row.holds]).toEqual([40, null, null, 'inconclusive'])
})

test('what has no goal is reported and not judged', () => {
  const row = judge('cold start', 'ms', [{ ours: 2000, reference: null }], null)
  expect([row.goal, row.holds, row.spread]).toEqual([null, null, [2000, 2000]])
})

test('the table has a line for each row, also for what could not be measured', () => {
  const machine = { cpu: 'CPU', cores: 2, memoryGb: 8, system: 'linux', node: '24', at: 'now', loadBefore: 0, disturbed: 0 }
  const table = asTable({ name: 'local', machine, rows: [judge('speed', 'tokens/s', rounds(4), atLeast(0.75)), unmeasured('the rest')] })
  expect(table).toContain('| speed | 4 tokens/s | 8 tokens/s | 0.5 | 0.5 … 0.5 | ratio ≥ 0.75 | **no** |')
  expect(table).toContain('| the rest | – | – |  |  |  | inconclusive |')
})
