import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLog, forTerminal } from './log.ts'
import { openLogFile } from './log-file.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fusion-log-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('an event is one line of JSON with its fields, and events below the level are dropped', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', write: line => void lines.push(line) })
  log.debug({}, 'not this one')
  log.info({ model: 'guide', ms: 12 }, 'generation finished')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^[^\n]*\n$/)
  expect(JSON.parse(lines[0]!)).toEqual({ time: expect.any(String), level: 'info', event: 'generation finished', model: 'guide', ms: 12 })
})

test('a long text that gets into a field by mistake is cut', () => {
  const lines: string[] = []
  createLog({ level: 'info', write: line => void lines.push(line) }).error({ error: 'x'.repeat(100_000) }, 'failed')
  expect(lines[0]!.length).toBeLessThan(5000)
})

test('in a terminal a warning is one line of words, and what went well is not told', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', write: line => void lines.push(line) })
  log.info({ ms: 12 }, 'model loaded')
  log.warn({ pid: 12, code: null, lastWords: 'first\nsecond' }, 'inference died')
  log.error({}, 'call failed')
  expect(lines.map(forTerminal)).toEqual([
    undefined,
    expect.stringMatching(/^\d\d:\d\d:\d\d warn: inference died \(pid: 12, lastWords: first\)\n$/),
    expect.stringMatching(/^\d\d:\d\d:\d\d error: call failed\n$/),
  ])
})

test('the log on disk is for its owner only, and keeps three files of two megabytes', () => {
  const path = folder()
  const write = openLogFile(path)
  const line = `${'x'.repeat(99_999)}\n`
  for (let written = 0; written < 100; written++) write(line)
  expect(readdirSync(path).toSorted()).toEqual(['fusion.1.log', 'fusion.2.log', 'fusion.log'])
  for (const name of readdirSync(path)) {
    const { size, mode } = statSync(join(path, name))
    expect({ small: size <= 2_000_000, mode: mode & 0o777 }).toEqual({ small: true, mode: 0o600 })
  }
})

test('the log goes on where the last process ended', () => {
  const path = folder()
  openLogFile(path)('first\n')
  openLogFile(path)('second\n')
  expect(readFileSync(join(path, 'fusion.log'), 'utf8')).toBe('first\nsecond\n')
})

test('a log folder that cannot be written stops nothing', () => {
  const path = join(folder(), 'file')
  writeFileSync(path, '')
  expect(() => openLogFile(path)('lost\n')).not.toThrow()
})
