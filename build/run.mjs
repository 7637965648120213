import { spawn } from 'node:child_process'
import { Stopped } from './problem.mjs'

/**
 * Runs a Node program of this project with its output on ours, and gives its exit code. When we are asked to stop, it is too, and `Stopped`
 * is thrown when it has.
 * @param {string} root
 * @param {string[]} args the program's file, then its arguments
 * @param {{ env?: NodeJS.ProcessEnv, stdio?: import('node:child_process').StdioOptions, timeoutMs?: number }} [options]
 * @returns {Promise<number>}
 */
export async function runNode(root, args, { env = {}, stdio = 'inherit', timeoutMs = 0 } = {}) {
  const child = spawn(process.execPath, args, { cwd: root, stdio, env: { ...process.env, ...env }, timeout: timeoutMs })
  return codeOf(child)
}

/**
 * The exit code of a child that ends with us. Throws `Stopped` when we were asked to stop meanwhile, and what kept the child from starting.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
export function codeOf(child) {
  const done = endWithUs(child)
  return new Promise((resolve, reject) => {
    child.once('error', error => {
      done()
      reject(error)
    })
    child.once('close', code => {
      const signal = done()
      if (signal) reject(new Stopped(signal))
      else resolve(code ?? 1)
    })
  })
}

/**
 * Passes on the signals that ask us to stop, and leaves it to the child when to end.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => NodeJS.Signals | undefined} stops passing them on, and tells the first that had come
 */
export function endWithUs(child) {
  /** @type {NodeJS.Signals | undefined} */
  let first
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = signals.map(signal => {
    const listener = () => {
      first = first ?? signal
      child.kill(signal)
    }
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => {
    pass.forEach(stop => stop())
    return first
  }
}
