// Builds the parts named as arguments into out/.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { bundleOf } from './bundles.ts'
import { type Part, signatureOf, stampFile } from './parts.mjs'

const root = join(import.meta.dirname, '..')

/** The stamp is that of the sources as they were before: what is edited meanwhile is built again by the next start. */
async function compile(part: Part): Promise<void> {
  const signature = signatureOf(root, part)
  rmSync(stampFile(root, part), { force: true })
  await build({ ...bundleOf(part), logLevel: 'warn' })
  writeFileSync(stampFile(root, part), signature)
}

await Promise.all((process.argv.slice(2) as Part[]).map(compile))
