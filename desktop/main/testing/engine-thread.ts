// Runs the real engine as Electron's utility process would, in a thread: threads can be handed MessagePorts, child processes of Node cannot.
import { EventEmitter } from 'node:events'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortDouble } from './electron-double.ts'

const toMain = parentPort!
const fromMain = new EventEmitter()
toMain.on('message', ({ data, ports }: { data: unknown; ports: MessagePort[] }) =>
  fromMain.emit('message', { data, ports: ports.map(port => new PortDouble(port)) }),
)
Object.assign(process, {
  parentPort: Object.assign(fromMain, { postMessage: (message: unknown) => toMain.postMessage(message) }),
})
await import((workerData as { engine: string }).engine)
