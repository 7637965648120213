import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Program {
  port: number
  pid: number
  /** All that it said before it was ready. */
  lines: string[]
  /** From spawning the process to its line that it is ready. */
  readyMs: number
  /** Ends it as Ctrl+C does. */
  close(): Promise<void>
}

/** Starts a server in a process of its own, with Node, and waits for its line that ends in `eady at ADDRESS`. */
export async function startProgram(args: string[], env: Record<string, string> = {}): Promise<Program> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  // Whatever ends us ends the server too, in its own way: it has processes of its own to end.
  const end = () => void child.kill('SIGTERM')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const lines: string[] = []
  const port = await new Promise<number>((resolve, reject) => {
    const reading = createInterface({ input: child.stdout }).on('line', line => {
      lines.push(line)
      const ready = /eady at (http:\S+)$/.exec(line)
      if (!ready) return
      // Its log is let go unread: to read a line for each request would take of the machine that is measured.
      reading.close()
      child.stdout.resume()
      resolve(Number(new URL(ready[1]!).port))
    })
    child.once('error', reject)
    ended.then(([code]) => reject(new Error(`A server ended with ${code} before it was ready: ${said}`)), reject)
  })
  return {
    port,
    pid: child.pid!,
    lines,
    readyMs: performance.now() - startedAt,
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}
