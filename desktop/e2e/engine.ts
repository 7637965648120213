import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '../..')

/** The second model of the tests: the guide before quantization. */
export const otherModel = join(root, 'models/guide/testing/guide-f16.gguf')

export interface Engine {
  /** Where the page opens, token included. */
  address: string
  port: number
  /** Ends it as a person or the system would. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
}

/** Starts the real engine headless on a data folder. Rejects with what it said when it does not get ready. */
export async function startEngine(home: string, port = 0): Promise<Engine> {
  const child = spawn(process.execPath, [join(root, 'desktop/engine/serve.ts')], {
    env: { ...process.env, FUSION_HOME: home, FUSION_PORT: String(port), FUSION_LOG: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const address = await readyAt(child)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  return { address, port: Number(new URL(address).port), stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

function readyAt(child: ChildProcess): Promise<string> {
  let said = ''
  child.stderr!.on('data', chunk => (said += chunk))
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const found = /^Fusion is ready at (\S+)$/.exec(line)
      if (found) resolve(found[1]!)
    })
    child.once('exit', () => reject(new Error(`The engine ended before it was ready:\n${said}`)))
  })
}
