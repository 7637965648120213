import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type InferenceContract, inferenceContract } from '@fusion/shared/contract/inference.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import type { Failure } from '@fusion/shared/rpc/failure.ts'
import { inferenceEnvironment } from '../config.ts'
import type { Log } from '../log.ts'
import type { InferenceProgram } from './program.ts'

export interface InferenceProcess {
  client: Client<InferenceContract>
  pid: number | undefined
  /** Resolves when the process has ended, with why (`out-of-memory` or `model-crashed`, also when it was ended on purpose). */
  gone: Promise<Failure>
  /** Ends the process, and resolves when it is gone and its memory given back. */
  end(): Promise<void>
}

/** The end of what a process wrote to stderr: llama.cpp's last words. Never prompts. */
const LAST_WORDS = 4_000
/** A process of its own that llama.cpp tests itself in may hold the pipe open for longer. */
const LAST_WORDS_MS = 500

/** Starts an inference process. It ends when this one does, however this one ends: then its channel closes. */
export function startInference({ node, script }: InferenceProgram, log: Log): InferenceProcess {
  const killsBefore = outOfMemoryKills()
  const child = spawn(node, [script], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
    env: inferenceEnvironment(),
  })
  const client = connect(inferenceContract, childProcessPort(child))
  let lastWords = ''
  let ending = false
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-LAST_WORDS)))

  const gone = new Promise<Failure>(resolve => {
    const report = (fields: object) => {
      const outOfMemory = outOfMemoryKills() > killsBefore || /out of memory|bad_alloc|failed to allocate/i.test(lastWords)
      if (ending) log.debug({ pid: child.pid }, 'inference ended')
      else log.warn({ pid: child.pid, ...fields, lastWords }, 'inference died')
      resolve(failure(outOfMemory && !ending ? 'out-of-memory' : 'model-crashed', undefined, { retryable: true }))
    }
    // Not 'close': Node 24 never emits it for a child whose channel was disconnected from here.
    const { stderr } = child
    const said = stderr && !stderr.closed ? new Promise(heard => stderr.once('close', heard)) : Promise.resolve()
    child.once('exit', (code, signal) => {
      const longEnough = new Promise(over => setTimeout(over, LAST_WORDS_MS).unref())
      void Promise.race([said, longEnough]).then(() => report({ code, signal }))
    })
    // It could not be started at all; then there is no 'exit'.
    child.once('error', error => report({ error: error.name }))
  })
  return {
    client,
    pid: child.pid,
    gone,
    async end() {
      ending = true
      if (child.connected) child.disconnect()
      // It ends by itself when the channel closes, unless it hangs in a driver.
      const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await gone
      clearTimeout(timer)
    },
  }
}

/** How many processes Linux has killed for want of memory since it started; 0 elsewhere. The one way to tell this kill from others. */
function outOfMemoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
