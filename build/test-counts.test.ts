import { expect, test } from 'vitest'
import { addCounts, countPlaywright, countVitest, namesOfFailed } from './test-counts.ts'

const vitest = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1, testResults: [] }

test('the counts of vitest and Playwright are added', () => {
  const playwright = { stats: { expected: 3, unexpected: 1, flaky: 0, skipped: 4 }, errors: [] }
  expect(addCounts(countVitest(vitest), countPlaywright(playwright))).toEqual({ passed: 8, failed: 2, skipped: 7 })
})

test('a file that could not be loaded is a failure, one whose failed tests are counted is not another', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ]
  expect(countVitest({ ...vitest, testResults })).toEqual({ passed: 5, failed: 2, skipped: 3 })
})

test('a test that passed only when tried again, and an error outside of any test, are failures', () => {
  expect(countPlaywright({ stats: { expected: 3, unexpected: 0, flaky: 1, skipped: 0 }, errors: [{}] })).toEqual({
    passed: 3,
    failed: 2,
    skipped: 0,
  })
})

test('a run that left no report is a failure', () => {
  expect([countVitest(undefined), countPlaywright({})]).toEqual([
    { passed: 0, failed: 1, skipped: 0 },
    { passed: 0, failed: 1, skipped: 0 },
  ])
})

test('what failed is named, a file that could not be loaded by itself', () => {
  const testResults = [
    { name: 'one.test.ts', status: 'failed', assertionResults: [] },
    {
      name: 'other.test.ts',
      status: 'failed',
      assertionResults: [
        { status: 'passed', fullName: 'it works' },
        { status: 'failed', fullName: 'it adds' },
      ],
    },
    { name: 'third.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'it works' }] },
  ]
  expect(namesOfFailed({ ...vitest, testResults })).toEqual(['one.test.ts', 'other.test.ts: it adds'])
  expect(namesOfFailed(undefined)).toEqual([])
})
