import { createServer, type Server } from 'node:http'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Api } from '../api/api.ts'
import type { Log } from '../log.ts'

export interface ApiServerParts {
  api: Api
  settings: () => Settings
  onSettings: (listener: () => void) => () => void
  log: Log
}

const REQUEST_MS = 10_000

/** Where there is no server for the page (Electron), the local API has one of its own, on 127.0.0.1, for as long as the settings say so. */
export function keepApiServer({ api, settings, onSettings, log }: ApiServerParts): { close(): Promise<void> } {
  let server: Server | undefined
  let port: number | undefined
  let last = Promise.resolve()

  async function follow(): Promise<void> {
    const { apiOpen, apiPort } = settings()
    const wanted = apiOpen ? apiPort : undefined
    if (wanted === port) return
    await shut()
    port = wanted
    if (wanted === undefined) return api.opened({ address: null, always: false, failure: null })
    try {
      server = await listen(api, wanted)
      log.info({ port: wanted }, 'api opened')
      api.opened({ address: `http://127.0.0.1:${wanted}/v1`, always: false, failure: null })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      log.warn({ port: wanted, code }, 'api not opened')
      api.opened({ address: null, always: false, failure: Failure.toBody(failure('port-in-use', { port: wanted })) })
    }
  }

  async function shut(): Promise<void> {
    const closing = server
    server = undefined
    if (!closing) return
    closing.closeAllConnections()
    await new Promise(resolve => closing.close(resolve))
    log.info({}, 'api closed')
  }

  const soon = () => void (last = last.then(follow))
  const stop = onSettings(soon)
  soon()
  return {
    async close() {
      stop()
      await last
      await shut()
    },
  }
}

async function listen(api: Api, port: number): Promise<Server> {
  // Whoever sends its request drop by drop holds a connection no longer than this.
  const server = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS / 2 })
  server.on('request', (request, response) => void api.handle(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}
