import type { AddressInfo } from 'node:net'
import type { Environment } from '@fusion/shared/configuration/read-settings.ts'
import { makeDatabase } from '../../database/testing/test-database.ts'
import { readConfig } from '../config.ts'
import { type App, createGround } from '../http/ground.ts'
import type { LogTarget } from '../telemetry/logs.ts'
import { type Limits, limits } from '../http/limits.ts'
import { createMemoryLimits } from '../limits/limits.ts'

export interface TestApp {
  app: App
  url: string
  port: number
  close(): Promise<void>
}

/** The ground of the server without any feature, to which `add` adds routes of the test's own. Nobody can sign in to it. */
export async function startTestApp(
  add: (app: App) => void,
  { env = {}, allowed = {}, ...options }: { env?: Environment; allowed?: Partial<Limits>; logTo?: LogTarget } = {},
): Promise<TestApp> {
  const { database, close } = await makeDatabase()
  const config = readConfig({ FUSION_LOG: 'error', FUSION_LIMIT_ADDRESS: '0', ...env })
  const parts = { config, database, authenticate: async () => null, limits: createMemoryLimits() }
  const app = await createGround(parts, { allowed: { ...limits, ...allowed }, ...options })
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
