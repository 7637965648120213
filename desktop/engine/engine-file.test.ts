import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readEngineFile, writeEngineFile } from './engine-file.ts'
import { isFolderHeld, lockFolder } from './storage/lock.ts'
import { startHeadless } from './testing/headless.ts'
import { testFolder } from './testing/test-engine.ts'

const door = { port: 4310, token: 'a token' }

test('it is for its owner alone, also where an earlier one was for everybody', async () => {
  const folder = await testFolder()
  const file = join(folder, 'engine.json')
  writeFileSync(file, '{}', { mode: 0o644 })
  const remove = writeEngineFile(folder, { holder: 'serve', door })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readEngineFile(folder)).toEqual({ pid: process.pid, holder: 'serve', door })
  remove()
  expect(readEngineFile(folder)).toBeUndefined()
})

test('who ends takes away its own file, and not that of whoever came after it', async () => {
  const folder = await testFolder()
  const remove = writeEngineFile(folder, { holder: 'serve', door })
  const other = JSON.stringify({ pid: process.pid + 1, holder: 'serve', door })
  writeFileSync(join(folder, 'engine.json'), other)
  remove()
  expect(readFileSync(join(folder, 'engine.json'), 'utf8')).toBe(other)
})

test.for(['', '{', '[]', '{"pid":0,"holder":"serve","door":null}', '{"pid":1,"holder":"serve","door":{"port":70000,"token":""}}'])(
  'a file that says %s says nothing',
  async text => {
    const folder = await testFolder()
    writeFileSync(join(folder, 'engine.json'), text)
    expect(readEngineFile(folder)).toBeUndefined()
  },
)

test('a folder is held as long as its lock is', async () => {
  const folder = await testFolder()
  expect(isFolderHeld(folder)).toBe(false)
  const lock = lockFolder(folder)
  expect(isFolderHeld(folder)).toBe(true)
  lock.release()
  expect(isFolderHeld(folder)).toBe(false)
})

test('a server says where it is as long as it runs, and what a killed one left is gone when the next is ready', async () => {
  const home = await testFolder()
  const first = await startHeadless(home)
  onTestFinished(() => first.end())
  const token = new URL(first.address).hash.replace('#token=', '')
  expect(readEngineFile(home)).toEqual({ pid: first.pid, holder: 'serve', door: { port: first.port, token } })
  await first.end('SIGKILL')
  expect([readEngineFile(home)?.pid, isFolderHeld(home)]).toEqual([first.pid, false])
  const second = await startHeadless(home)
  onTestFinished(() => second.end())
  expect([readEngineFile(home)?.pid, isFolderHeld(home)]).toEqual([second.pid, true])
  await second.end()
  expect(readEngineFile(home)).toBeUndefined()
})
