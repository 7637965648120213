import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { safetyHeaders } from '@fusion/shared/contract/page-files.ts'
import { answerPage } from './page-protocol.ts'

const parent = mkdtempSync(join(tmpdir(), 'fusion-page-'))
const folder = join(parent, 'renderer')

beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true })
  mkdirSync(join(parent, 'renderer-secret'))
  writeFileSync(join(folder, 'index.html'), '<title>Fusion</title>')
  writeFileSync(join(folder, 'assets/app 1.js'), 'start()')
  writeFileSync(join(parent, 'secret.txt'), 'secret')
  writeFileSync(join(parent, 'renderer-secret/secret.txt'), 'secret')
  symlinkSync(join(folder, 'assets'), join(folder, 'linked'))
  return () => rmSync(parent, { recursive: true })
})

const get = (url: string, method = 'GET') => answerPage(folder, { url, method })

test('the root is the page, and files are sent by their type', async () => {
  const page = await get('app://fusion/')
  expect([page.status, await page.text(), page.headers.get('content-type')]).toEqual([
    200,
    '<title>Fusion</title>',
    'text/html; charset=utf-8',
  ])
  const script = await get('app://fusion/assets/app%201.js?v=1#x')
  expect([script.status, await script.text(), script.headers.get('content-type')]).toEqual([
    200,
    'start()',
    'text/javascript; charset=utf-8',
  ])
})

test.each([
  'app://fusion/../secret.txt',
  'app://fusion/%2e%2e/secret.txt',
  'app://fusion/..%2fsecret.txt',
  'app://fusion/assets/..%2f..%2fsecret.txt',
  'app://fusion/..%2frenderer-secret/secret.txt',
  'app://fusion//etc/passwd',
  'app://fusion/%2fetc%2fpasswd',
  'app://fusion/index.html%00.js',
  'app://fusion/%',
  'app://fusion/assets',
  'app://fusion/assets/',
  'app://fusion/nothing.js',
  'app://other/index.html',
  'app://fusion.evil/index.html',
  'app:index.html',
  'not a url',
])('%s is not there', async url => {
  const answer = await get(url)
  expect([answer.status, await answer.text()]).toEqual([404, ''])
})

test('only reading is possible, and HEAD has no body', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('app://fusion/', method)).status).toBe(405)
  const head = await get('app://fusion/', 'HEAD')
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('every answer carries the headers of safety', async () => {
  for (const answer of [await get('app://fusion/'), await get('app://fusion/nothing'), await get('app://fusion/', 'POST')]) {
    for (const [name, value] of Object.entries(safetyHeaders)) expect(answer.headers.get(name)).toBe(value)
  }
  const policy = safetyHeaders['content-security-policy']!
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
})
