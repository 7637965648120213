// The headless shell as serve.ts starts it, but for one thing: images may also come from the port of this computer that is named as its
// argument. What is shipped has no such setting.
import { readConfig } from '../config.ts'
import { startHttpServer } from '../http/server.ts'
import { pageFolder } from '../installed.ts'
import { startEngine } from '../start-engine.ts'
import { onStopSignal } from '../stop-signals.ts'
import { internetWith } from './picture-server.ts'

const config = readConfig()
const engine = await startEngine(config, { outside: internetWith(Number(process.argv[2])) })
const server = await startHttpServer({ port: config.port, page: pageFolder, log: engine.log, onPort: engine.servePage })
onStopSignal(async () => {
  await server.close()
  await engine.close()
})
process.stdout.write(`Fusion is ready at ${server.address}\n`)
