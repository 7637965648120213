// On one machine the model server is the desktop's own headless engine, with the model that comes with Fusion: it answers in vLLM's words.
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../database/free-port.ts'
import { modelServerEnvironment } from '../config.ts'

export interface ModelServerOptions {
  folder: string
  /** It ended by itself, and is started again after so many milliseconds. */
  onEnded?: (how: { code: number | null; waitMs: number }) => void
}

export interface ModelServer {
  url: string
  apiKey: string
  close(): Promise<void>
}

const PROGRAM = join(import.meta.dirname, '../../../out/engine/serve.js')
const END_WITH_PARENT = join(import.meta.dirname, 'end-with-parent.mjs')
/** One that ends again and again is started again ever more rarely, up to this. */
const LONGEST_WAIT_MS = 30_000

/**
 * Starts the engine on a port of its own, with a data folder of its own, and again whenever it ends. Resolves when it answers for the first
 * time; rejects with its last words when it does not come up.
 */
export async function startModelServer({ folder, onEnded = () => {} }: ModelServerOptions): Promise<ModelServer> {
  const port = await freePort()
  const apiKey = `fusion-own-${randomBytes(24).toString('base64url')}`
  let child: ChildProcess | undefined
  let closing = false
  let failures = 0
  let waiting: NodeJS.Timeout | undefined

  function startOne(): Promise<void> {
    const started = spawn(process.execPath, ['--import', END_WITH_PARENT, PROGRAM], {
      env: { ...modelServerEnvironment(), FUSION_HOME: folder, FUSION_PORT: String(port), FUSION_API_KEY: apiKey, FUSION_LOG: 'warn' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: Ctrl+C in a terminal is for the cloud, which ends it.
      detached: true,
    })
    child = started
    let words = ''
    started.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2000)))
    return new Promise((resolve, reject) => {
      createInterface({ input: started.stdout }).on('line', line => {
        if (!line.startsWith('Fusion is ready')) return
        failures = 0
        resolve()
      })
      started.once('error', reject)
      started.once('close', code => {
        reject(new Error(`The model server ended with ${code}: ${words}`))
        if (!closing) startAgain(code)
      })
    })
  }

  function startAgain(code: number | null): void {
    failures += 1
    const waitMs = Math.min(LONGEST_WAIT_MS, 250 * 2 ** failures)
    onEnded({ code, waitMs })
    waiting = setTimeout(() => void startOne().catch(() => {}), waitMs)
  }

  async function close(): Promise<void> {
    closing = true
    clearTimeout(waiting)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child?.once('close', resolve))
    child.kill('SIGTERM')
    await ended
  }

  try {
    await startOne()
  } catch (error) {
    await close()
    throw error
  }
  return { url: `http://127.0.0.1:${port}`, apiKey, close }
}
