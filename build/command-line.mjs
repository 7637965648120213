// `fusion`, or `npm run fusion -- …`: the command line. Plain JavaScript, as serve.mjs is.
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt } from './ensure-built.mjs'
import { ensurePacks } from './packs.mjs'
import { browserParts, commandLineParts } from './parts.mjs'
import { endWith } from './problem.mjs'

const root = dirname(import.meta.dirname)
const [command = ''] = process.argv.slice(2)
// npm runs a script in the project's folder; files are named from where the person is.
if (process.env.npm_lifecycle_event === 'fusion' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD)
try {
  if (['chat', 'serve'].includes(command)) await ensurePacks(root)
  await ensureBuilt(root, command === 'serve' ? [...browserParts, 'command-line'] : commandLineParts)
} catch (error) {
  endWith(error)
}
await import(pathToFileURL(join(root, 'out/command-line/main.js')).href)
