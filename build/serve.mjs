// `npm run serve`: the headless engine, with the page for a browser. Plain JavaScript, since a Node that has stripped types once keeps
// 40 MB for it, and the engine goes on in this very process.
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt } from './ensure-built.mjs'
import { ensurePacks } from './packs.mjs'
import { browserParts } from './parts.mjs'
import { endWith } from './problem.mjs'

const root = dirname(import.meta.dirname)
try {
  await ensurePacks(root)
  await ensureBuilt(root, browserParts)
} catch (error) {
  endWith(error)
}
await import(pathToFileURL(join(root, 'out/engine/serve.js')).href)
