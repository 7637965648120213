import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { browserParts, commandLineParts, signatureOf, staleParts, stampFile } from './parts.mjs'

let root: string
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const stale = () => staleParts(root, browserParts)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fusion-parts-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const path of ['shared/chat/tree.ts', 'desktop/engine/engine.ts', 'desktop/inference/main.ts', 'desktop/renderer/app/main.tsx'])
    write(path, 'export {}')
  for (const part of browserParts) write(`out/${part}/.built`, signatureOf(root, part))
})

test('what was built of these sources is not built again', () => {
  expect(stale()).toEqual([])
  rmSync(stampFile(root, 'inference'))
  expect(stale()).toEqual(['inference'])
})

test('a changed file makes its own part stale, and one in shared every part', () => {
  write('desktop/engine/engine.ts', 'export const changed = 1')
  expect(stale()).toEqual(['engine'])
  write('shared/chat/tree.ts', 'export const changed = 1')
  expect(stale()).toEqual(browserParts)
})

test('a file that came or went is seen, and so is an older one of the same size', () => {
  write('desktop/renderer/app/second.ts', '')
  expect(stale()).toEqual(['renderer'])
  rmSync(join(root, 'desktop/renderer/app/second.ts'))
  expect(stale()).toEqual([])
  rmSync(join(root, 'desktop/inference/main.ts'))
  expect(stale()).toEqual(['inference'])
  utimesSync(join(root, 'desktop/engine/engine.ts'), 1, 1)
  expect(stale()).toEqual(['engine', 'inference'])
})

test('the command line, which holds an engine, is built anew with it', () => {
  write('desktop/command-line/main.ts', '')
  write('out/command-line/.built', signatureOf(root, 'command-line'))
  expect(staleParts(root, commandLineParts)).toEqual([])
  write('desktop/engine/engine.ts', 'export const changed = 1')
  expect(staleParts(root, commandLineParts)).toEqual(['command-line'])
})

test('tests and their helpers are no sources', () => {
  write('desktop/engine/engine.test.ts', '')
  write('desktop/engine/testing/test-engine.ts', '')
  expect(stale()).toEqual([])
})
