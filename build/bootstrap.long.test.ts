import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const root = dirname(import.meta.dirname)

test('in a fresh clone the first `npm run serve` installs everything from the registry and says a sentence about a wrong setting', () => {
  const clone = mkdtempSync(join(tmpdir(), 'fusion-clone-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  execFileSync('git', ['clone', '--quiet', root, clone])
  // The person's own Node, not the one that runs this.
  const path = (process.env['PATH'] ?? '').split(':').filter(folder => !folder.includes('node_modules'))
  const env = { ...process.env, PATH: path.join(':'), FUSION_PORT: 'wrong', FUSION_GPU: 'none' }
  const first = spawnSync('npm', ['run', '--silent', 'serve'], { cwd: clone, env, encoding: 'utf8' })
  expect(first.stderr).toMatch(/^Installing what Fusion is made of/m)
  expect(first.stderr.trim().split('\n').at(-1)).toMatch(/^FUSION_PORT must be a whole number/)
  expect(first.status).toBe(1)
  expect(existsSync(join(clone, 'out/engine/serve.js'))).toBe(true)
  const second = spawnSync('npm', ['run', '--silent', 'serve'], { cwd: clone, env, encoding: 'utf8' })
  expect(second.stderr.trim()).toMatch(/^FUSION_PORT must be a whole number.*$/)
})
