import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { openStorage } from './storage.ts'
import { killWriter } from './testing/kill-writer.ts'
import { openTestStorage } from './testing/test-storage.ts'

test('a process killed while it writes loses no finished message and no appended text, fifty times', { timeout: 180_000 }, async () => {
  // Two at once: there are two cores.
  for (let round = 0; round < 25; round++)
    await Promise.all([killWriter(spawn, 1 + round * 7, round % 5), killWriter(spawn, 90 + round * 11, (round * 3) % 7)])
})

test('a second process is refused the data folder, and gets it when the first was killed', async () => {
  const { folder, storage, reopen } = openTestStorage()
  expect(() => openStorage({ folder })).toThrow(expect.objectContaining({ code: 'data-folder-in-use' }))
  storage.close()
  const script = new URL('./testing/endless-writer.ts', import.meta.url).pathname
  const holder = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await new Promise(resolve => holder.stdout.once('data', resolve))
  holder.stdout.resume()
  expect(() => openStorage({ folder })).toThrow(expect.objectContaining({ code: 'data-folder-in-use' }))
  holder.kill('SIGKILL')
  await new Promise(resolve => holder.once('exit', resolve))
  expect(reopen().conversations.all()).toHaveLength(1)
})
