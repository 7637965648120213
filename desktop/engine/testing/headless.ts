// A whole engine in a process of its own, as `npm run serve` starts it: for tests and benchmarks that look at it, kill it or measure it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type EngineContract, engineContract } from '@fusion/shared/contract/engine.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { webSocketPort } from '@fusion/shared/rpc/web-socket.ts'
import { WebSocket } from 'ws'

export interface Headless {
  /** The address with the token, for a browser. */
  address: string
  port: number
  pid: number
  /** From spawning the process to its line that it is ready. */
  readyMs: number
  /** A client over a WebSocket of its own, opened as a page opens it. */
  connect(): Promise<{ fusion: Client<EngineContract>; close(): void }>
  /** Sends a signal, and resolves when the process has ended. SIGTERM closes gracefully. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface HeadlessOptions {
  /** Another program than serve.ts, and its arguments. */
  entry?: string
  args?: string[]
  env?: Record<string, string>
}

const ENTRY = join(import.meta.dirname, '../serve.ts')

/** Starts an engine on the data folder `home`, on a free port. Rejects with what it said when it ends before it is ready. */
export async function startHeadless(home: string, options: HeadlessOptions = {}): Promise<Headless> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [options.entry ?? ENTRY, ...(options.args ?? [])], {
    env: { ...process.env, FUSION_HOME: home, FUSION_PORT: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  // Whatever ends us ends the engine too.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let said = ''
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4000)))
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const ready = /^Fusion is ready at (\S+)/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    child.once('error', reject)
    ended.then(([code]) => reject(new Error(`The engine ended with ${code} before it was ready: ${said}`)), reject)
  })
  const readyMs = performance.now() - startedAt
  const { origin, host, port, hash } = new URL(address)

  return {
    address,
    port: Number(port),
    pid: child.pid!,
    readyMs,
    async connect() {
      const session = await fetch(`${origin}/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify({ token: new URLSearchParams(hash.slice(1)).get('token') }),
      })
      const cookie = session.headers.get('set-cookie')?.split(';')[0]
      if (!session.ok || !cookie) throw new Error(`The engine answered ${session.status} to its own token`)
      const socket = new WebSocket(`ws://${host}/rpc`, { headers: { cookie }, origin })
      await once(socket, 'open')
      return { fusion: connect(engineContract, webSocketPort(socket)), close: () => socket.close() }
    },
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await ended
    },
  }
}
