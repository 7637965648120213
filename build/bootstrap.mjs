// The beginning of every root script: `node build/bootstrap.mjs build/serve.mjs …`. Plain JavaScript without dependencies, for Node ≥ 20.
// Installs what the lockfile names, then goes on with the script under the Node that Fusion runs on.
import { spawn } from 'node:child_process'
import { delimiter, dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { findNode, isThis, majorOfVersion } from './node-24.mjs'
import { flagsOf } from './node-flags.mjs'
import { endWith, Problem } from './problem.mjs'
import { endWithUs } from './run.mjs'

const OLDEST = 20

/** @param {string[]} args */
async function bootstrap([script, ...rest]) {
  if (majorOfVersion(process.version) < OLDEST)
    throw new Problem(`Fusion needs Node ${OLDEST} or newer to start; this is ${process.version}. Get one from https://nodejs.org.`)
  if (!script) throw new Problem('Usage: node build/bootstrap.mjs SCRIPT [arguments]')
  if (process.env.npm_lifecycle_event) endWithShell()
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  await ensureInstalled(root)
  const file = resolve(root, script)
  const node = findNode(root)
  const flags = flagsOf(file)
  if (!isThis(node) || flags.some(flag => !process.execArgv.includes(flag))) return runUnder(node, [...flags, file, ...rest])
  process.argv = [process.argv[0] ?? node, file, ...rest]
  process.env.PATH = pathWith(node)
  await import(pathToFileURL(file).href)
}

/**
 * @param {string} node
 * @param {string[]} args
 */
function runUnder(node, args) {
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: pathWith(node) } })
  const done = endWithUs(child)
  child.once('error', endWith)
  child.once('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    done()
    process.kill(process.pid, signal)
  })
}

/** npm passes SIGTERM on to the shell between it and us, and no further: when that shell is gone, it was meant for us. */
function endWithShell() {
  const shell = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  timer.unref()
}

/**
 * Programs that a script runs find the same Node.
 * @param {string} node
 */
const pathWith = node => `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`

bootstrap(process.argv.slice(2)).catch(endWith)
