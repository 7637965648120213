// Servers that are no program of Node's: each in a process of its own, ready when its port takes connections.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Other {
  port: number
  pid: number
  close(): Promise<void>
}

const listens = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Throws with its last words where it ends before it is ready, or is not within `withinMs`. */
export async function startOther(
  command: string,
  args: string[],
  { port, withinMs, env = {} }: { port: number; withinMs: number; env?: Record<string, string> },
): Promise<Other> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)))
  const ended = once(child, 'exit')
  const end = () => void child.kill('SIGTERM')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
  }
  let gone: unknown
  void ended.catch((error: unknown) => (gone = error))
  const until = performance.now() + withinMs
  while (!(await listens(port))) {
    if (gone) throw gone
    if (child.exitCode !== null || performance.now() > until) {
      await close()
      throw new Error(`${command} did not start: ${said}`)
    }
    await sleep(50)
  }
  return { port, pid: child.pid!, close }
}
