import Database from 'better-sqlite3'
import type { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textOf } from '@fusion/shared/chat/message.ts'
import { expect } from 'vitest'
import { openStorage } from '../storage.ts'

/** Kills a writing process (kill -9) when it has said `lines` lines and `delayMs` more, then looks at what it left. `start` starts processes. */
export async function killWriter(start: typeof spawn, lines: number, delayMs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-kill-'))
  try {
    check(folder, await writeAndKill(start, folder, lines, delayMs))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writeAndKill(start: typeof spawn, folder: string, lines: number, delayMs: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const script = new URL('./endless-writer.ts', import.meta.url).pathname
    const writer = start(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    let dying = false
    writer.stdout.setEncoding('utf8')
    writer.stdout.on('data', (data: string) => {
      said += data
      if (dying || said.split('\n').length <= lines) return
      dying = true
      setTimeout(() => writer.kill('SIGKILL'), delayMs)
    })
    writer.once('error', reject)
    writer.once('close', (_, signal) => {
      if (signal === 'SIGKILL') resolve(said.split('\n').slice(0, -1))
      else reject(new Error('The writer ended by itself'))
    })
  })
}

function check(folder: string, said: string[]): void {
  const storage = openStorage({ folder })
  try {
    const grown = new Map<string, string>()
    for (const line of said) {
      const [what, id, step] = line.split(' ') as [string, string, string]
      if (what === 'finished') {
        expect(storage.messages.get(id)?.status).toBe('complete')
        grown.delete(id)
      } else if (what === 'grown') {
        grown.set(id, `${grown.get(id) ?? ''}${step} `)
      }
    }
    // What was appended is there, and at most one more step that was not said any more.
    for (const [id, text] of grown) expect(textOf(storage.messages.get(id)!).startsWith(text)).toBe(true)
    expect(storage.messages.growing().length).toBeLessThanOrEqual(1)
    expect(storage.notices()).toEqual([])
  } finally {
    storage.close()
  }
  const sqlite = new Database(join(folder, 'fusion.db'), { readonly: true })
  expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(sqlite.pragma('foreign_key_check')).toEqual([])
  sqlite.close()
}
