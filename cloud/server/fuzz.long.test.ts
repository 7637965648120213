import { afterAll, beforeAll, expect, test } from 'vitest'
import { findSchemathesis, fuzz, startFuzzedCloud } from './testing/schemathesis/schemathesis.ts'
import type { TestCloud } from './testing/test-cloud.ts'

const CASES = 20_000

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startFuzzedCloud()
})
afterAll(() => cloud.close())

test('every route keeps to its description over twenty thousand requests', async () => {
  const found = findSchemathesis()
  if ('missing' in found) return expect.fail(found.missing)
  let cases = 0
  for (let seed = 1; cases < CASES; seed++) {
    const report = await fuzz(cloud, found.python, { examples: 150, seed })
    expect(report.code, report.output).toBe(0)
    expect(report.cases).toBeGreaterThan(500)
    cases += report.cases
  }
})
