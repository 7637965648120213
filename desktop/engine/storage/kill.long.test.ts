import { spawn } from 'node:child_process'
import { test } from 'vitest'
import { killWriter } from './testing/kill-writer.ts'

test('a process killed while it writes loses nothing, a thousand times', { timeout: 1_800_000 }, async () => {
  for (let round = 0; round < 500; round++) {
    await Promise.all([killWriter(spawn, 1 + ((round * 37) % 1500), round % 11), killWriter(spawn, 1 + ((round * 101) % 400), round % 3)])
  }
})
