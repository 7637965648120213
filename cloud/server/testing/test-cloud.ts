import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import type { Environment } from '@fusion/shared/configuration/read-settings.ts'
import { createOrganisation, type Organisation } from '../../database/organisations.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { createUser, findUserByEmail, type NewUser, type User } from '../../database/users.ts'
import type { Clock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { type Cloud, startCloud } from '../start.ts'

export interface TestCloud extends Cloud {
  database: TestDatabase['database']
  /** Of the database, as its owner, whom row-level security does not hold. */
  databaseUrl: string
  organisation: Organisation
  /** A person of `organisation` who may come in: a member with a new address, where nothing else is said. */
  makeUser(user?: Partial<NewUser>): Promise<User>
  /** An access token of a new session of this person (`admin@example.org`, an admin, by default), who is made where there is none. */
  signIn(email?: string): Promise<string>
}

/** The real cloud on a free port, with a database of its own. No model server answers unless `env` names one. */
export async function startTestCloud({ env = {}, clock }: { env?: Environment; clock?: Clock } = {}): Promise<TestCloud> {
  const made = await makeDatabase()
  const home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
  const config = readConfig({
    FUSION_HOME: home,
    FUSION_CLOUD_PORT: '0',
    FUSION_LOG: 'error',
    // Tests ask more often than people do; those of limits set their own.
    FUSION_LIMIT_USER: '0',
    FUSION_LIMIT_KEY: '0',
    FUSION_LIMIT_ORGANISATION: '0',
    FUSION_LIMIT_ADDRESS: '0',
    DATABASE_URL: made.url,
    MODEL_SERVERS: '[{"url":"http://127.0.0.1:9"}]',
    ...env,
  })
  const cloud = await startCloud(config, clock && { clock })
  const organisation = await createOrganisation(made.database, 'Example')
  let people = 0

  async function makeUser(user: Partial<NewUser> = {}): Promise<User> {
    const email = `person-${++people}@example.org`
    const made_ = await createUser(made.database, { organisationId: organisation.id, email, name: 'Somebody', role: 'member', ...user })
    if (!made_) throw new Error('there is somebody with this address')
    return made_
  }

  return {
    ...cloud,
    database: made.database,
    databaseUrl: made.url,
    organisation,
    makeUser,
    async signIn(email = 'admin@example.org') {
      const role = email === 'admin@example.org' ? 'admin' : 'member'
      const user = (await findUserByEmail(made.database, email)) ?? (await makeUser({ email, role }))
      const { tokens } = await cloud.parts.identity.sessions.begin({ user, clientId: clientIds.desktop, deviceName: 'A desk' })
      return tokens.access_token
    },
    async close() {
      await cloud.close()
      await made.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
