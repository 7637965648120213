import { Worker } from 'node:worker_threads'
import type { BackgroundTask } from './background.ts'

/** Beside this file as it is written; in a bundle, in the folder's name below it (build/bundles.ts). */
const script = import.meta.url.endsWith('.ts') ? './background.ts' : './storage/background.js'

/** Runs one task in a thread and resolves with its answer. `signal` ends the thread. */
export function runBackground(task: BackgroundTask, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(script, import.meta.url), { workerData: task })
    const stop = () => void worker.terminate()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => {
      signal.removeEventListener('abort', stop)
      reject(new Error('The background thread ended without an answer'))
    })
  })
}
