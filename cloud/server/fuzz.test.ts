import { afterAll, beforeAll, expect, test } from 'vitest'
import { findSchemathesis, fuzz } from './testing/schemathesis/schemathesis.ts'
import { type ScriptedServer, startScriptedServer } from './testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from './testing/test-cloud.ts'

let cloud: TestCloud
let servers: ScriptedServer
let found: ReturnType<typeof findSchemathesis>
beforeAll(async () => {
  // Installing it takes its time, once.
  found = findSchemathesis()
  servers = await startScriptedServer()
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
}, 300_000)
afterAll(async () => {
  await cloud.close()
  await servers.close()
})

test('every route keeps to its description, whatever it is asked', async ({ skip }) => {
  // In CI what is missing is a failure.
  if ('missing' in found) return process.env['CI'] ? expect.fail(found.missing) : skip(found.missing)
  const { code, output, cases } = await fuzz(cloud, found.python, { examples: 5, seed: 1 })
  expect(code, output).toBe(0)
  expect(cases).toBeGreaterThan(500)
}, 300_000)
