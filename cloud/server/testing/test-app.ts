import type { AddressInfo } from 'node:net'
import type { Environment } from '@fusion/shared/configuration/read-settings.ts'
import { makeDatabase } from '../../database/testing/test-database.ts'
import { type App, createApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { type Limits, limits } from '../http/limits.ts'
import type { Parts } from '../parts.ts'

export interface TestApp {
  app: App
  url: string
  port: number
  close(): Promise<void>
}

/** A server that listens, to which `add` adds routes of the test's own. Nobody can sign in to it: `startTestCloud` is for that. */
export async function startTestApp(
  add: (app: App) => void,
  { env = {}, allowed = {} }: { env?: Environment; allowed?: Partial<Limits> } = {},
): Promise<TestApp> {
  const { database, close } = await makeDatabase()
  const config = readConfig({ FUSION_LOG: 'error', ...env })
  const parts = { config, database, clock: Date.now, publicUrl: () => '', authenticate: async () => null, checks: {} }
  const app = await createApp(parts as unknown as Parts, { ...limits, ...allowed })
  add(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    app,
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      app.server.closeAllConnections()
      await app.close()
      await close()
    },
  }
}
