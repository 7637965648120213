import { afterAll, beforeAll, expect, test } from 'vitest'
import { findSchemathesis, fuzz, startFuzzedCloud } from './testing/schemathesis/schemathesis.ts'
import type { TestCloud } from './testing/test-cloud.ts'

let cloud: TestCloud
let found: ReturnType<typeof findSchemathesis>
beforeAll(async () => {
  // Installing it takes its time, once.
  found = findSchemathesis()
  cloud = await startFuzzedCloud()
}, 300_000)
afterAll(() => cloud.close())

test('every route keeps to its description, whatever it is asked', async ({ skip }) => {
  // In CI what is missing is a failure.
  if ('missing' in found) return process.env['CI'] ? expect.fail(found.missing) : skip(found.missing)
  const { code, output, cases } = await fuzz(cloud, found.python, { examples: 5, seed: 1 })
  expect(code, output).toBe(0)
  expect(cases).toBeGreaterThan(500)
}, 300_000)
