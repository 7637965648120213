// `npm test`: vitest, then Playwright on the built app. `npm test -- NAMES` runs only the vitest files of these names.
// Prints the sum as its own last line.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { basePython } from '../desktop/engine/testing/python-packages.ts'
import { installByApt } from './apt.ts'
import { findChromium, installChromium } from './chromium.ts'
import { ensureBuilt } from './ensure-built.mjs'
import { browserParts } from './parts.mjs'
import { endWith } from './problem.mjs'
import { runNode } from './run.mjs'
import { addCounts, countPlaywright, countVitest, type Counts, namesOfFailed, nothing } from './test-counts.ts'

const root = dirname(import.meta.dirname)
const inCi = Boolean(process.env['CI'])
const reports = mkdtempSync(join(tmpdir(), 'fusion-reports-'))
process.once('exit', () => rmSync(reports, { recursive: true, force: true }))

/** A run that failed without a failed test (a file that does not load, an error outside of any) counts as one failure. */
function judged(counts: Counts, code: number): Counts {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

/** The report that a run wrote, or undefined where it died before. */
function report(name: string): unknown {
  const file = join(reports, name)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

async function runVitest(names: string[]): Promise<Counts> {
  const args = [
    'run',
    ...names,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${join(reports, 'vitest.json')}`,
  ]
  const code = await runNode(root, [join(root, 'node_modules/vitest/vitest.mjs'), ...args])
  return judged(countVitest(report('vitest.json')), code)
}

async function runPlaywright(): Promise<Counts> {
  const config = join(root, 'desktop/e2e/playwright.config.ts')
  if (!existsSync(config)) return nothing
  const chromium = findChromium() ?? (inCi ? installChromium() : undefined)
  const playwright = [join(root, 'node_modules/@playwright/test/cli.js'), 'test', '--config', config]
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: join(reports, 'playwright.json'), ...(chromium && { FUSION_CHROMIUM: chromium }) }
  if (chromium) {
    const code = await runNode(root, [...playwright, '--reporter=list,json'], { env })
    return judged(countPlaywright(report('playwright.json')), code)
  }
  await runNode(root, [...playwright, '--list', '--reporter=json'], { env, stdio: ['ignore', 'ignore', 2] })
  const { passed, failed, skipped } = countPlaywright(report('playwright.json'))
  const all = passed + failed + skipped
  if (inCi) {
    process.stdout.write('\nChromium could not be installed: the tests of the page fail.\n')
    return { passed: 0, failed: Math.max(all, 1), skipped: 0 }
  }
  process.stdout.write(`\nThere is no Chromium on this machine (Debian: apt-get install chromium): ${all} tests of the page are skipped.\n`)
  return { passed: 0, failed: 0, skipped: all }
}

async function main(names: string[]): Promise<number> {
  await ensureBuilt(root, [...browserParts, 'dashboard'])
  // Packages for Python talk to the local API in tests.
  if (inCi && !basePython()) installByApt('python3', 'python3-venv')
  if (inCi && !existsSync('/usr/bin/redis-server')) installByApt('redis-server')
  if (inCi && !existsSync('/usr/sbin/nginx')) installByApt('nginx-light')
  const unit = await runVitest(names)
  const page = names.length === 0 ? await runPlaywright() : nothing
  const { passed, failed, skipped } = addCounts(unit, page)
  for (const name of namesOfFailed(report('vitest.json'))) process.stdout.write(`\nfailed: ${name}`)
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  return failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  endWith(error)
}
