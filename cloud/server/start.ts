import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '../database/connection.ts'
import { startPostgres } from '../database/embedded-postgres.ts'
import { migrate } from '../database/migrate.ts'
import { createApp } from './app.ts'
import { cloudFolder, type Config } from './config.ts'

export interface Cloud {
  /** Where it answers: `http://127.0.0.1:PORT`. */
  url: string
  close(): Promise<void>
}

/** Opens the parts (those of its own where the settings name none), and listens. What starts here is closed in reverse. */
export async function startCloud(config: Config): Promise<Cloud> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.toReversed()) await end()
  }
  try {
    let databaseUrl = config.databaseUrl
    if (!databaseUrl) {
      const postgres = await startPostgres(join(cloudFolder(config), 'postgres'))
      closing.push(postgres.stop)
      databaseUrl = postgres.url
    }
    await migrate(config.databaseOwnerUrl ?? databaseUrl)
    const database = openDatabase({ url: databaseUrl })
    closing.push(database.close)
    const app = await createApp({ config, database, authenticate: async () => null })
    closing.push(() => app.close())
    await app.listen({ host: config.host, port: config.port })
    const { port } = app.server.address() as AddressInfo
    return { url: `http://${config.host}:${port}`, close }
  } catch (error) {
    await close()
    throw error
  }
}
