// Builds the parts named as arguments into out/.
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, mergeConfig } from 'vite'
import { bundleOf } from './bundles.ts'
import { type Part, signatureOf, stampFile } from './parts.mjs'

const root = join(import.meta.dirname, '..')

/**
 * Built beside its place and swapped in whole: a Fusion that runs meanwhile goes on serving its page, and whoever is killed leaves the old one.
 * The stamp is that of the sources as they were before: what is edited meanwhile is built again by the next start.
 */
async function compile(part: Part): Promise<void> {
  const signature = signatureOf(root, part)
  const [place, fresh, old] = ['', '.new-', '.old-'].map(mark => join(root, 'out', `${mark}${part}`)) as [string, string, string]
  await build(mergeConfig(bundleOf(part), { logLevel: 'warn', build: { outDir: fresh, emptyOutDir: true } }))
  // In a package it lies outside the archive, where plain Node asks the nearest package.json whether .js is ES modules: not a stranger's then.
  if (part === 'inference') writeFileSync(join(fresh, 'package.json'), '{ "type": "module" }\n')
  rmSync(old, { recursive: true, force: true })
  if (existsSync(place)) renameSync(place, old)
  renameSync(fresh, place)
  rmSync(old, { recursive: true, force: true })
  writeFileSync(stampFile(root, part), signature)
}

await Promise.all((process.argv.slice(2) as Part[]).map(compile))
