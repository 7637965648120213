// The engine as Electron's utility process. It never imports electron: what Electron adds to `process` is named here.
import { messagePort, type EmitterPort } from '@fusion/shared/rpc/message-port.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import type { FromEngine, ToEngine } from '@fusion/shared/contract/shell.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { readConfig } from './config.ts'
import { writeEngineFile } from './engine-file.ts'
import { keepApiServer } from './http/api-server.ts'
import { openOwnerDoor } from './http/owner-door.ts'
import { reasonOf } from './log-error.ts'
import { startEngine } from './start-engine.ts'
import { onStopSignal } from './stop-signals.ts'

/** The part of Electron's `process.parentPort` that is used. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: ToEngine; ports: EmitterPort[] }) => void): void
  postMessage(message: FromEngine): void
}

const { parentPort } = process as NodeJS.Process & { parentPort?: ParentPort }
if (!parentPort) {
  process.stderr.write('This file is the engine inside Electron; start it there, or use serve.\n')
  process.exit(1)
}

/** Main may send a page's port before the engine stands: such a page waits. */
const waiting: EmitterPort[] = []
let take = (port: EmitterPort): void => void waiting.push(port)
let close = async (): Promise<void> => {}

parentPort.on('message', ({ data, ports }) => {
  const [port] = ports
  if (data.type === 'page-port' && port) take(port)
  if (data.type === 'close') void close().then(() => process.exit(0))
})

try {
  const config = readConfig()
  const engine = await startEngine(config)
  take = port => engine.servePage(messagePort(port))
  for (const port of waiting) take(port)
  // Without it the command line says that the window has the folder, and all else goes on.
  const door = await openOwnerDoor({ folder: config.home, log: engine.log, onPort: engine.servePage }).catch((error: unknown) => {
    engine.log.warn({ error: reasonOf(error) }, 'door for the command line not opened')
    return undefined
  })
  const forgetPlace = writeEngineFile(config.home, { holder: 'window', door: door ? { socket: door.socket, token: door.token } : null })
  const apiServer = keepApiServer(engine)
  close = async () => {
    forgetPlace()
    await door?.close()
    await apiServer.close()
    await engine.close()
  }
  onStopSignal(close)
  parentPort.postMessage({ type: 'engine-ready' })
} catch (error) {
  parentPort.postMessage(failed(error))
}

function failed(error: unknown): FromEngine {
  if (error instanceof WrongSetting) return { type: 'engine-failed', code: 'wrong-setting', what: error.message, next: '' }
  const body = Failure.toBody(error)
  return { type: 'engine-failed', code: body.code, ...sentence(body) }
}
