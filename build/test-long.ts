// `npm run test:long`: what takes longer than a developer waits. `npm run test:long -- NAMES` runs only the files of these names.
import { dirname, join } from 'node:path'
import { ensureBuilt } from './ensure-built.mjs'
import { browserParts } from './parts.mjs'
import { endWith } from './problem.mjs'
import { runNode } from './run.mjs'

const root = dirname(import.meta.dirname)
try {
  await ensureBuilt(root, [...browserParts, 'dashboard'])
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  process.exitCode = await runNode(root, [vitest, 'run', '--config', 'vitest.long.config.ts', ...process.argv.slice(2)])
} catch (error) {
  endWith(error)
}
