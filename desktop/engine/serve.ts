// The headless shell: the engine as this process, the page in a browser.
import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { readConfig } from './config.ts'
import { writeEngineFile } from './engine-file.ts'
import { startHttpServer } from './http/server.ts'
import { pageFolder } from './installed.ts'
import { startEngine } from './start-engine.ts'
import { onStopSignal } from './stop-signals.ts'

async function start(): Promise<void> {
  const config = readConfig()
  const engine = await startEngine(config)
  const { log, servePage, api } = engine
  const { port, openCode } = config
  const server = await startHttpServer({ port, page: pageFolder, log, onPort: servePage, api, openCode }).catch(async (error: unknown) => {
    await engine.close()
    throw portFailure(error, port)
  })
  const apiAddress = `http://127.0.0.1:${server.port}/v1`
  api.opened({ address: apiAddress, always: true, failure: null })
  const forgetPlace = writeEngineFile(config.home, { holder: 'serve', door: { port: server.port, token: server.token } })
  onStopSignal(async () => {
    log.info({}, 'engine stopping')
    forgetPlace()
    await server.close()
    await engine.close()
  })
  process.stdout.write(`Fusion is ready at ${server.address}\n`)
  const { keys, environmentKey } = api.state()
  // `npm start` opens a page for a person; only who serves on purpose is told of programs.
  if (openCode === null && keys.length === 0 && !environmentKey) {
    process.stdout.write(
      `Programs can use its models at ${apiAddress} with a key: make one in the page under Server, or set FUSION_API_KEY.\n`,
    )
  }
}

class CannotStart extends Error {}

function portFailure(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return new CannotStart(`Port ${port} is in use: close what uses it, or set FUSION_PORT to another (0 picks one).`)
  if (code === 'EACCES') return new CannotStart(`Port ${port} may not be opened by this account: set FUSION_PORT to one above 1023.`)
  return error
}

function reasonOf(error: unknown): string {
  if (error instanceof WrongSetting || error instanceof CannotStart) return error.message
  if (error instanceof Failure) {
    const { what, next } = sentence(Failure.toBody(error))
    return `${what} ${next}`
  }
  return `Fusion could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

try {
  await start()
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exit(1)
}
