// `npm run package`: an installer for this system in release/, by electron-builder.yml. `npm run package -- --dir` leaves it unpacked.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureBuilt } from './ensure-built.mjs'
import { bringMacNode } from './mac-node.ts'
import { packagedNodeFolder } from './node-24.mjs'
import { ensurePacks } from './packs.mjs'
import { bringPage } from './packaged-page.ts'
import { packageParts } from './parts.mjs'
import { endWith, Problem } from './problem.mjs'
import { runNode } from './run.mjs'

const root = dirname(import.meta.dirname)

/** Node and llama.cpp's libraries come from this machine's node_modules: a package for another one would lack them. */
function checkArguments(args: string[]): void {
  const own = [`--${process.arch}`, { linux: '--linux', darwin: '--mac', win32: '--win' }[process.platform as string]]
  const other = args.find(arg => /^--(x64|ia32|arm64|armv7l|universal|linux|mac|win|windows)$/.test(arg) && !own.includes(arg))
  if (other) throw new Problem(`A package is made on the system it is for, so ${other} cannot be made on this one.`)
}

async function checkNode(): Promise<void> {
  const folder = process.platform === 'darwin' ? await bringMacNode(root) : packagedNodeFolder(root)
  if (!folder || !existsSync(folder)) throw new Problem(`There is no Node 24 to bring along on ${process.platform} ${process.arch}.`)
}

try {
  const args = process.argv.slice(2)
  checkArguments(args)
  await checkNode()
  // Vulkan runs on the cards of all makers, NVIDIA's too, in a tenth of CUDA's size.
  await ensurePacks(root, { gpu: 'vulkan' })
  await ensureBuilt(root, packageParts)
  bringPage(root)
  process.exitCode = await runNode(root, [join(root, 'node_modules/electron-builder/out/cli/cli.js'), ...args])
} catch (error) {
  endWith(error)
}
