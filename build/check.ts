// `npm run check`: types, lint, format, and what nothing uses. All at once; what found something is printed whole.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)

const checks: Record<string, string[]> = {
  types: ['typescript/bin/tsc', '-b'],
  lint: ['oxlint/bin/oxlint', '--type-aware'],
  format: ['oxfmt/bin/oxfmt', '--check'],
  unused: ['knip/bin/knip.js'],
}

/** Runs one check to its end and prints its line; true where it found nothing. */
async function run(name: string, [program = '', ...args]: string[]): Promise<boolean> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(code === 0 ? `${name}: good (${seconds} s)\n` : `${name}: not good (${seconds} s)\n\n${output.trim()}\n\n`)
  return code === 0
}

const results = await Promise.all(Object.entries(checks).map(([name, command]) => run(name, command)))
process.exitCode = results.every(Boolean) ? 0 : 1
