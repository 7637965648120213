import { Worker } from 'node:worker_threads'
import type { BackgroundTask } from './background.ts'

/** Runs one task in a thread and resolves with its answer. `signal` ends the thread. */
export function runBackground(task: BackgroundTask, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./background.ts', import.meta.url), { workerData: task })
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
