// The headless shell, but with the local API as Electron has it: on a server of its own, which the settings open and close.
import { readConfig } from '../config.ts'
import { keepApiServer } from '../http/api-server.ts'
import { startHttpServer } from '../http/server.ts'
import { pageFolder } from '../installed.ts'
import { startEngine } from '../start-engine.ts'
import { onStopSignal } from '../stop-signals.ts'

const config = readConfig()
const engine = await startEngine(config)
const server = await startHttpServer({ port: config.port, page: pageFolder, log: engine.log, onPort: engine.servePage })
const apiServer = keepApiServer(engine)
onStopSignal(async () => {
  await apiServer.close()
  await server.close()
  await engine.close()
})
process.stdout.write(`Fusion is ready at ${server.address}\n`)
