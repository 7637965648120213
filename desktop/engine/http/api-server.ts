import { createServer, type Server } from 'node:http'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import type { Api } from '../api/api.ts'
import type { Log } from '../log.ts'

export interface ApiServerParts {
  api: Pick<Api, 'handle' | 'opened'>
  settings: () => Settings
  onSettings: (listener: () => void) => () => void
  log: Log
  /** After how long a port that could not be opened is tried again: what held it may have ended. */
  againMs?: number
}

const REQUEST_MS = 10_000
const AGAIN_MS = 5_000

/** Where there is no server for the page (Electron), the local API has one of its own, on 127.0.0.1, for as long as the settings say so. */
export function keepApiServer({ api, settings, onSettings, log, againMs = AGAIN_MS }: ApiServerParts): { close(): Promise<void> } {
  let server: Server | undefined
  /** A port is where it stands open. */
  let stands: number | 'closed' | 'refused' = 'closed'
  let again: NodeJS.Timeout | undefined
  let last = Promise.resolve()

  async function follow(): Promise<void> {
    clearTimeout(again)
    const { apiOpen, apiPort } = settings()
    const wanted = apiOpen ? apiPort : 'closed'
    if (wanted === stands) return
    await shut()
    if (wanted === 'closed') {
      stands = 'closed'
      return api.opened({ address: null, always: false, failure: null })
    }
    try {
      server = await listen(api, wanted)
      stands = wanted
      log.info({ port: wanted }, 'api opened')
      api.opened({ address: `http://127.0.0.1:${wanted}/v1`, always: false, failure: null })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      if (stands !== 'refused') log.warn({ port: wanted, code }, 'api not opened')
      stands = 'refused'
      api.opened({ address: null, always: false, failure: reasonOf(error, code, wanted) })
      again = setTimeout(soon, againMs)
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
      clearTimeout(again)
      await last
      clearTimeout(again)
      await shut()
    },
  }
}

function reasonOf(error: unknown, code: string, port: number): FailureBody {
  if (code === 'EADDRINUSE') return Failure.toBody(failure('port-in-use', { port }))
  // Also where Windows keeps a range of ports for itself.
  if (code === 'EACCES') return Failure.toBody(failure('port-not-allowed', { port }))
  return Failure.toBody(error)
}

async function listen(api: Pick<Api, 'handle'>, port: number): Promise<Server> {
  // Whoever sends its request drop by drop holds a connection no longer than this.
  const server = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS / 2 })
  server.on('request', (request, response) => void api.handle(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}
