import { Type } from 'typebox'
import { Value } from 'typebox/value'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }

export const addCounts = (one: Counts, other: Counts): Counts => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
})

const VitestReport = Type.Object({
  numPassedTests: Type.Integer(),
  numFailedTests: Type.Integer(),
  numPendingTests: Type.Integer(),
  numTodoTests: Type.Integer(),
  testResults: Type.Array(
    Type.Object({
      name: Type.Optional(Type.String()),
      status: Type.String(),
      assertionResults: Type.Array(Type.Object({ status: Type.String(), fullName: Type.Optional(Type.String()) })),
    }),
  ),
})

/** A file that failed without a failed test, since it could not be loaded or a hook threw, counts as one failure. No report is one failure. */
export function countVitest(report: unknown): Counts {
  if (!Value.Check(VitestReport, report)) return { ...nothing, failed: 1 }
  const brokenFiles = report.testResults.filter(
    file => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** The tests of vitest that failed, with their files: a log is read from its end. A file without a failed test stands for itself. */
export function namesOfFailed(report: unknown): string[] {
  if (!Value.Check(VitestReport, report)) return []
  return report.testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name = '', assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName = '' }) => `${name}: ${fullName}`)
      return failed.length > 0 ? failed : [name]
    })
}

const PlaywrightReport = Type.Object({
  stats: Type.Object({ expected: Type.Integer(), unexpected: Type.Integer(), flaky: Type.Integer(), skipped: Type.Integer() }),
  errors: Type.Array(Type.Unknown()),
})

/** A test that passed only when it was tried again failed. An error outside of any test is one failure, and so is a missing report. */
export function countPlaywright(report: unknown): Counts {
  if (!Value.Check(PlaywrightReport, report)) return { ...nothing, failed: 1 }
  const { expected, unexpected, flaky, skipped } = report.stats
  return { passed: expected, failed: unexpected + flaky + report.errors.length, skipped }
}
