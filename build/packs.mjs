// GPU packs of node-llama-cpp. They weigh up to 0.9 GB, so the lockfile leaves them out, and only a machine with a GPU fetches the fitting one.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { withLock } from './lock.mjs'
import { runNpm } from './npm.mjs'
import { Problem, Stopped } from './problem.mjs'

/** @typedef {'cuda' | 'vulkan'} Gpu */
/** @typedef {Record<string, Record<string, string>>} PacksBySystem the pinned `dist.integrity` of each package, for each system */

/**
 * Brings the packs for this machine's GPU into node_modules, where there is one. What goes wrong is said in one line: Fusion runs on the
 * CPU as well.
 * @param {string} root
 * @param {{ gpu?: Gpu | undefined, packs?: PacksBySystem }} [options]
 */
export async function ensurePacks(root, options = {}) {
  const gpu = 'gpu' in options ? options.gpu : findGpu()
  if (!gpu) return
  /** @type {Record<Gpu, PacksBySystem> & { version: string }} */
  const pinned = JSON.parse(readFileSync(join(import.meta.dirname, 'packs.json'), 'utf8'))
  const wanted = (options.packs ?? pinned[gpu])[`${process.platform}-${process.arch}`] ?? {}
  const missing = Object.entries(wanted).filter(([name]) => !isThere(root, name, pinned.version))
  if (missing.length === 0) return
  try {
    await withLock(
      join(root, '.fetching-packs'),
      () => {},
      async () => {
        for (const [name, integrity] of missing)
          if (!isThere(root, name, pinned.version)) await fetchPack(root, name, pinned.version, integrity)
      },
    )
  } catch (error) {
    if (error instanceof Stopped) throw error
    say(
      `The part for this GPU (${gpu}) is not there: ${error instanceof Error ? error.message : String(error)}. Fusion goes on with the CPU.`,
    )
  }
}

/**
 * What this machine computes with besides the CPU. `FUSION_GPU` (cuda, vulkan, none) decides where it is set. On macOS Metal is built in.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Gpu | undefined}
 */
export function findGpu(env = process.env) {
  const wish = env.FUSION_GPU
  if (wish === 'none') return undefined
  if (wish === 'cuda' || wish === 'vulkan') return wish
  if (wish) throw new Problem(`FUSION_GPU must be cuda, vulkan or none; it is ${JSON.stringify(wish)}.`)
  if (process.platform === 'linux') return findOnLinux()
  return process.platform === 'win32' ? findOnWindows() : undefined
}

/** @returns {Gpu | undefined} */
function findOnLinux() {
  if (existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidia0')) return 'cuda'
  const hasRenderNode = existsSync('/dev/dri') && readdirSync('/dev/dri').some(name => name.startsWith('renderD'))
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib']
  return hasRenderNode && folders.some(folder => existsSync(join(folder, 'libvulkan.so.1'))) ? 'vulkan' : undefined
}

/** Both files are laid there by the drivers. @returns {Gpu | undefined} */
function findOnWindows() {
  const system = join(process.env.SystemRoot ?? 'C:\\Windows', 'System32')
  if (existsSync(join(system, 'nvidia-smi.exe'))) return 'cuda'
  return existsSync(join(system, 'vulkan-1.dll')) ? 'vulkan' : undefined
}

/**
 * @param {string} root
 * @param {string} name
 */
const folderOf = (root, name) => join(root, 'node_modules/@node-llama-cpp', name)

/**
 * @param {string} root
 * @param {string} name
 * @param {string} version
 */
function isThere(root, name, version) {
  try {
    return JSON.parse(readFileSync(join(folderOf(root, name), 'package.json'), 'utf8')).version === version
  } catch {
    return false
  }
}

/**
 * Fetched by npm from the configured registry, compared with the pinned checksum, and moved into place whole.
 * @param {string} root
 * @param {string} name
 * @param {string} version
 * @param {string} integrity
 */
async function fetchPack(root, name, version, integrity) {
  say(`Fetching ${name} for this machine's GPU; it is large …`)
  mkdirSync(join(root, 'node_modules/@node-llama-cpp'), { recursive: true })
  // Beside its place, so that the move is one step on one file system.
  const folder = mkdtempSync(join(root, 'node_modules/@node-llama-cpp/.fetching-'))
  try {
    const code = await runNpm(root, ['pack', `@node-llama-cpp/${name}@${version}`, '--pack-destination', folder, '--loglevel=silent'], {
      quiet: true,
    })
    const archive = readdirSync(folder).find(file => file.endsWith('.tgz'))
    if (code !== 0 || !archive) throw new Error('npm could not fetch it')
    if ((await integrityOf(join(folder, archive))) !== integrity) throw new Error('its checksum is not the one it should have')
    // Every system that has packs has a tar (Windows since 10).
    const unpacked = spawnSync('tar', ['-xzf', archive], { cwd: folder, stdio: 'ignore' })
    if (unpacked.status !== 0) throw new Error('it could not be unpacked')
    rmSync(folderOf(root, name), { recursive: true, force: true })
    renameSync(join(folder, 'package'), folderOf(root, name))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} file */
async function integrityOf(file) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  return `sha512-${hash.digest('base64')}`
}

/** @param {string} text */
const say = text => process.stderr.write(`${text}\n`)
