import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Contract } from '../rpc/contract.ts'
import { engineContract } from './engine.ts'
import { inferenceContract } from './inference.ts'
import { CONTRACT_VERSION } from './version.ts'

const HOW_TO_GO_ON =
  'The wire changed. If that was meant, add a line to shared/contract/version.ts that says what changed, raise CONTRACT_VERSION ' +
  'where a released page could meet it, and write the snapshot anew with `vitest run shared/contract -u`'

/** One line for each field, so that a change of the wire reads as one in a diff. */
function wireOf(contract: Contract): string {
  const procedures = Object.entries(contract).flatMap(([group, calls]) =>
    Object.entries(calls).map(([name, { kind, input, output }]) => [`${group}.${name}`, { kind, input, output }]),
  )
  return `${JSON.stringify(Object.fromEntries(procedures), null, 1)}\n`
}

describe('the JSON Schema of the wire is as it was', () => {
  test('between page and engine', async () => {
    await expect(wireOf(engineContract), HOW_TO_GO_ON).toMatchFileSnapshot('./engine.wire.snap')
  })

  test('between engine and inference', async () => {
    await expect(wireOf(inferenceContract), HOW_TO_GO_ON).toMatchFileSnapshot('./inference.wire.snap')
  })
})

test('every version of the contract has its line, and the newest is the present one', () => {
  const lines = readFileSync(new URL('version.ts', import.meta.url), 'utf8').matchAll(/^\/\/ {2}(\d+) {2}\S.*\.$/gm)
  const versions = Array.from(lines, ([, version]) => Number(version))
  expect(versions).toEqual(Array.from({ length: CONTRACT_VERSION }, (_, index) => index + 1))
})

test('names on the wire are plain, so that none can mean a property every object has', () => {
  for (const contract of [engineContract, inferenceContract] as Contract[]) {
    for (const [group, calls] of Object.entries(contract)) {
      for (const name of [group, ...Object.keys(calls)]) {
        expect(name).toMatch(/^[a-z][a-zA-Z]+$/)
        expect(name in {}).toBe(false)
      }
    }
  }
})
