import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { staleParts } from './parts.mjs'
import { Problem } from './problem.mjs'
import { runNode } from './run.mjs'

/**
 * Builds those of `parts` whose sources changed. The compiler runs in a process of its own, so that its memory does not stay here.
 * @param {string} root
 * @param {import('./parts.mjs').Part[]} parts
 */
export async function ensureBuilt(root, parts) {
  if (staleParts(root, parts).length === 0) return
  mkdirSync(join(root, 'out'), { recursive: true })
  await withLock(
    join(root, 'out/.building'),
    () => {},
    async () => {
      const stale = staleParts(root, parts)
      if (stale.length === 0) return
      process.stderr.write(`Building ${stale.join(', ')} …\n`)
      const code = await runNode(root, [join(root, 'build/compile.ts'), ...stale], { stdio: ['ignore', 2, 2] })
      if (code !== 0) throw new Problem(`Fusion could not be built (${stale.join(', ')}); the lines above say why.`)
    },
  )
}
