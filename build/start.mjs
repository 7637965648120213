// `npm start`: Fusion in a window of its own where Electron can run, otherwise in the browser.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { findElectron } from './electron.mjs'
import { ensureBuilt } from './ensure-built.mjs'
import { ensurePacks } from './packs.mjs'
import { browserParts, electronParts } from './parts.mjs'
import { endWith, Problem } from './problem.mjs'
import { endWithUs } from './run.mjs'

const root = dirname(import.meta.dirname)

/** Electron that ends so soon, and not well, never showed a window: a missing library, a system that forbids its sandbox. */
const FAILED_START_MS = 5000

async function start() {
  const shell = process.env.FUSION_SHELL
  if (shell && shell !== 'electron' && shell !== 'browser')
    throw new Problem(`FUSION_SHELL must be electron or browser; it is ${JSON.stringify(shell)}.`)
  await ensurePacks(root)
  if (shell === 'browser') return startBrowser()
  const electron = await findElectron(root)
  if ('missing' in electron) {
    if (shell === 'electron') throw new Problem(`Fusion cannot open its own window: ${electron.missing}.`)
    return startBrowser(electron.missing)
  }
  await ensureBuilt(root, electronParts)
  const startedAt = performance.now()
  const child = spawn(electron.file, [root, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Set by programs that are Electron themselves; ours would start as a plain Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: undefined },
  })
  const done = endWithUs(child)
  child.once('error', endWith)
  child.once('exit', (code, signal) => {
    const asked = done()
    const neverOpened = !asked && code !== 0 && performance.now() - startedAt < FAILED_START_MS
    if (neverOpened && !shell) void startBrowser('Electron does not run on this system').catch(endWith)
    else endLike(code, signal)
  })
}

/** @param {string} [why] why not in a window of its own */
async function startBrowser(why) {
  if (why) process.stderr.write(`Fusion opens in the browser: ${why}.\n`)
  await ensureBuilt(root, browserParts)
  // Everybody on this computer can read the arguments that a browser is started with, so it gets a code that opens one session only.
  const openCode = randomBytes(32).toString('base64url')
  const child = spawn(process.execPath, [join(root, 'out/engine/serve.js')], {
    stdio: ['inherit', 'pipe', 'inherit'],
    env: { ...process.env, FUSION_OPEN_CODE: openCode },
  })
  endWithUs(child)
  child.once('error', endWith)
  child.once('exit', endLike)
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(`${line}\n`)
    const address = /^Fusion is ready at (http:\S+)$/.exec(line)?.[1]
    if (address) openBrowser(address.replace(/#.*/, `#token=${openCode}`))
  }
}

/**
 * The person's own browser, where there is one to open; the address was printed for all others.
 * @param {string} address
 */
function openBrowser(address) {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env
  /** @type {Record<string, string[]>} */
  const openers = {
    darwin: ['open'],
    win32: ['rundll32', 'url.dll,FileProtocolHandler'],
    linux: DISPLAY || WAYLAND_DISPLAY ? ['xdg-open'] : [],
  }
  const [program, ...args] = openers[process.platform] ?? []
  if (!program) return
  const opener = spawn(program, [...args, address], { stdio: 'ignore', detached: true })
  opener.once('error', () => {})
  opener.unref()
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function endLike(code, signal) {
  process.exit(code ?? (signal === 'SIGINT' ? 130 : 1))
}

start().catch(endWith)
