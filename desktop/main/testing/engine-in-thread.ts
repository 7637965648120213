import { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { UtilityProcess } from 'electron'
import type { PortDouble } from './electron-double.ts'

/** A utility process that runs the engine's real source in a thread. */
export function forkEngine(env: Record<string, string | undefined>): UtilityProcess {
  const worker = new Worker(new URL('engine-thread.ts', import.meta.url), {
    workerData: { engine: new URL('../../engine/child.ts', import.meta.url).href },
    env,
    stderr: true,
  })
  const child = Object.assign(new EventEmitter(), {
    pid: worker.threadId,
    postMessage(data: unknown, ports: PortDouble[] = []) {
      const transferred = ports.map(port => port.port)
      worker.postMessage({ data, ports: transferred }, transferred)
    },
    kill: () => void worker.terminate(),
  })
  worker.on('online', () => child.emit('spawn'))
  worker.on('message', message => child.emit('message', message))
  worker.on('exit', code => child.emit('exit', code))
  worker.on('error', () => {})
  return child as unknown as UtilityProcess
}
