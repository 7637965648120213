import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { packagedNodeFolder } from './node-24.mjs'
import { codeOf } from './run.mjs'

/**
 * Runs npm in `root` with the person's own npm settings (registry, proxy, certificates), and gives its exit code. `node` runs npm itself.
 * Throws `Stopped` when we were asked to stop meanwhile.
 * @param {string} root
 * @param {string[]} args
 * @param {{ node?: string, quiet?: boolean, onSpawn?: (pid: number | undefined) => void }} [options]
 * @returns {Promise<number>}
 */
export async function runNpm(root, args, { node = process.execPath, quiet = false, onSpawn } = {}) {
  // `npm start` tells where npm's own program lies. Run by Node it needs no shell, which npm.cmd does on Windows.
  const program = process.env.npm_execpath
  const child = program?.endsWith('.js')
    ? spawn(node, [program, ...args], { cwd: root, env: environment(root), stdio: stdio(quiet) })
    : spawn('npm', args, { cwd: root, env: environment(root), stdio: stdio(quiet), shell: process.platform === 'win32' })
  onSpawn?.(child.pid)
  return codeOf(child)
}

/**
 * npm's output is for people: it goes to stderr, so that what our scripts print stays alone on stdout.
 * @param {boolean} quiet
 * @returns {import('node:child_process').StdioOptions}
 */
const stdio = quiet => ['ignore', quiet ? 'ignore' : 2, quiet ? 'ignore' : 2]

/** @param {string} root */
function environment(root) {
  const env = { ...process.env }
  // `nodedir` names the headers that addons are compiled with. The person's may be those of another Node: they would build, and crash.
  for (const name of Object.keys(env)) if (name.toLowerCase() === 'npm_config_nodedir') delete env[name]
  const folder = packagedNodeFolder(root)
  if (folder) {
    env.npm_config_nodedir = folder
    env.PATH = `${join(folder, 'bin')}${delimiter}${env.PATH ?? ''}`
  }
  // Both packages would download hundreds of megabytes from elsewhere, if their scripts ever ran.
  return { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip', NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' }
}
