// `npm run package`: an installer for this system in release/, by electron-builder.yml. `npm run package -- --dir` leaves it unpacked.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureBuilt } from './ensure-built.mjs'
import { packagedNodeFolder } from './node-24.mjs'
import { ensurePacks } from './packs.mjs'
import { electronParts } from './parts.mjs'
import { endWith, Problem } from './problem.mjs'
import { runNode } from './run.mjs'

const root = dirname(import.meta.dirname)

/** npm has no Node 24 for macOS, so there it has to be laid beside the others before: the official archive, its checksum compared. */
function checkNode(): void {
  const folder = packagedNodeFolder(root) ?? join(root, 'node_modules', `node-${process.platform}-${process.arch}`)
  if (!existsSync(folder))
    throw new Problem(`The app needs a Node 24 to bring along: unpack the official archive, checksum compared, to ${folder}.`)
}

try {
  checkNode()
  // Vulkan runs on the cards of all makers, NVIDIA's too, in a tenth of CUDA's size.
  await ensurePacks(root, { gpu: 'vulkan' })
  await ensureBuilt(root, electronParts)
  process.exitCode = await runNode(root, [join(root, 'node_modules/electron-builder/out/cli/cli.js'), ...process.argv.slice(2)])
} catch (error) {
  endWith(error)
}
