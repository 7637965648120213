import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../log.ts'
import { createLookout } from './lookout.ts'

function testLookout(growing: boolean[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-lookout-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let looks = 0
  let looked = Promise.withResolvers<void>()
  const look = async () => {
    looks++
    looked.resolve()
    return growing.shift() ?? false
  }
  const lookout = createLookout({ folder: join(folder, 'models'), look, log: createLog({ level: 'debug', write: () => {} }) })
  onTestFinished(() => lookout.close())
  /** The next look after what `act` does. */
  const after = async (act: () => void) => {
    looked = Promise.withResolvers()
    act()
    await looked.promise
  }
  return { lookout, folder: join(folder, 'models'), after, looks: () => looks }
}

test('a change in the folder, or in one that was made in it since, is looked at by itself', async () => {
  const { lookout, folder, after } = testLookout()
  await lookout.begin()
  await after(() => mkdirSync(join(folder, 'maker')))
  await after(() => writeFileSync(join(folder, 'maker/a.gguf'), ''))
  await after(() => rmSync(join(folder, 'maker'), { recursive: true }))
  await after(() => writeFileSync(join(folder, 'b.gguf'), ''))
})

test('while files are being written it looks again without a change', async () => {
  const { lookout, after, looks } = testLookout([true, true, true])
  // The first look and the one after it are what the beginning waits for.
  await lookout.begin()
  expect(looks()).toBe(2)
  await after(() => {})
  await after(() => {})
  expect(looks()).toBe(4)
})

test('it is asked to look only after it has begun, and not after it was closed', async () => {
  const { lookout, looks, folder, after } = testLookout()
  lookout.soon()
  await lookout.begin()
  expect(looks()).toBe(1)
  await after(() => lookout.soon())
  lookout.close()
  lookout.soon()
  writeFileSync(join(folder, 'a.gguf'), '')
  await lookout.begin()
  expect(looks()).toBe(2)
})
