// `npm run cloud`: the whole cloud on one machine. It runs from its sources: unlike the app it is a server, started seldom.
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt } from './ensure-built.mjs'
import { ensurePacks } from './packs.mjs'
import { cloudParts } from './parts.mjs'
import { endWith } from './problem.mjs'

const root = dirname(import.meta.dirname)
try {
  // The model server of its own is the app's engine.
  if (!process.env.MODEL_SERVERS) {
    await ensurePacks(root)
    await ensureBuilt(root, cloudParts)
  }
} catch (error) {
  endWith(error)
}
await import(pathToFileURL(join(root, 'cloud/server/main.ts')).href)
