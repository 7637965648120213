import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { withLock } from './lock.mjs'

function lockFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'lock')
}

/** A number that no process has. */
const NOBODY = 2 ** 22 + 1

/** A lock as a program leaves it behind that was killed some time ago. */
function leaveLock(file: string, ...pids: number[]): void {
  const [pid, childPid = ''] = pids
  writeFileSync(file, `${pid} some-token ${childPid}`)
  const long = new Date(Date.now() - 5000)
  utimesSync(file, long, long)
}

test('one works at a time, in any number, and the lock is gone afterwards', async () => {
  const file = lockFile()
  let working = 0
  const seen: number[] = []
  const work = async () => {
    seen.push(++working)
    await new Promise(resolve => setImmediate(resolve))
    working--
  }
  await Promise.all(Array.from({ length: 8 }, () => withLock(file, () => {}, work)))
  expect(seen).toEqual(Array.from({ length: 8 }, () => 1))
  expect(existsSync(file)).toBe(false)
})

test('work that fails gives the lock back', async () => {
  const file = lockFile()
  await expect(
    withLock(
      file,
      () => {},
      () => Promise.reject(new Error('failed')),
    ),
  ).rejects.toThrow('failed')
  expect(existsSync(file)).toBe(false)
})

test('the lock of a killed program is taken over by one of many', async () => {
  const file = lockFile()
  leaveLock(file, NOBODY)
  let working = 0
  const most: number[] = []
  const work = async () => {
    most.push(++working)
    await new Promise(resolve => setImmediate(resolve))
    working--
  }
  await Promise.all(Array.from({ length: 8 }, () => withLock(file, () => {}, work)))
  expect(most).toEqual(Array.from({ length: 8 }, () => 1))
})

test('a process that the killed program had started is waited for', async () => {
  const file = lockFile()
  const child = spawn(process.execPath, ['--eval', 'process.stdin.resume()'])
  const order: string[] = []
  const gone = once(child, 'exit').then(() => order.push('child is gone'))
  leaveLock(file, NOBODY, child.pid!)
  await withLock(
    file,
    () => {
      order.push('waits')
      child.stdin.end()
    },
    async () => void order.push('works'),
  )
  await gone
  expect(order).toEqual(['waits', 'child is gone', 'works'])
})
