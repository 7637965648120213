import { spawn } from 'node:child_process'

/**
 * Runs a Node program of this project with its output on ours, and gives its exit code. It ends when we end.
 * @param {string} root
 * @param {string[]} args the program's file, then its arguments
 * @param {{ env?: NodeJS.ProcessEnv, stdio?: import('node:child_process').StdioOptions, timeoutMs?: number }} [options]
 * @returns {Promise<number>}
 */
export async function runNode(root, args, { env = {}, stdio = 'inherit', timeoutMs = 0 } = {}) {
  const child = spawn(process.execPath, args, { cwd: root, stdio, env: { ...process.env, ...env }, timeout: timeoutMs })
  const done = endWithUs(child)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', code => resolve(code ?? 1))
    })
  } finally {
    done()
  }
}

/**
 * Passes on the signals that ask us to stop, and leaves it to the child when to end.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} stops passing them on
 */
export function endWithUs(child) {
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = signals.map(signal => {
    const listener = () => void child.kill(signal)
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => pass.forEach(stop => stop())
}
