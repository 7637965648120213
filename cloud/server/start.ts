import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '../database/connection.ts'
import { startPostgres } from '../database/embedded-postgres.ts'
import { forgetKeys } from '../database/idempotency-keys.ts'
import { migrate } from '../database/migrate.ts'
import { keepPrices } from '../database/prices.ts'
import { findRoutingRules } from '../database/routing-rules.ts'
import { createApp } from './app.ts'
import { createAccountRemoval } from './auth/account-removal.ts'
import { createAuthenticate } from './auth/authenticate.ts'
import { createIdentity } from './auth/identity.ts'
import { deriveKey, readSecretKey } from './auth/secret-key.ts'
import type { Clock } from './clock.ts'
import { createRedisEventTail } from './cache/redis-event-tail.ts'
import { openShared } from './cache/open-shared.ts'
import { cloudFolder, type Config } from './config.ts'
import { startModelServer } from './embedded/model-server.ts'
import { createGenerations } from './chat/generations.ts'
import { createTokenGuess } from '@fusion/shared/chat/token-guess.ts'
import { createAuto } from './inference/auto.ts'
import { createBudgets } from './budgets/budgets.ts'
import { createPrices } from './budgets/prices.ts'
import { discoverServers, kubernetesOf } from './inference/pool/discovery.ts'
import { createModels } from './inference/models.ts'
import { patienceOf } from './inference/patience.ts'
import { createPace } from './inference/pace.ts'
import { createLedger } from './usage/ledger.ts'
import { tendUsage } from './usage/tend-usage.ts'
import { createRecord } from './inference/record.ts'
import { drain } from './health/drain.ts'
import { createObjectTokens } from './objects/object-tokens.ts'
import { openObjects } from './objects/open-objects.ts'
import type { PartChecks } from './health/readiness.ts'
import type { App } from './http/ground.ts'
import type { Parts } from './parts.ts'
import { traceDatabase } from './telemetry/trace-database.ts'
import { createApiKeys } from './security/api-keys.ts'
import { createBackups } from './backup/backups.ts'
import { keepDailyBackups } from './backup/daily-backups.ts'
import { createPolicies } from './policies/policies.ts'
import { createRules } from './policies/rules.ts'
import { createAudit } from './security/audit.ts'
import { createAuditArchive } from './security/audit-archive.ts'
import { createOidc } from './security/oidc/oidc.ts'

export interface Cloud {
  /** Where it answers: `http://127.0.0.1:PORT`. */
  url: string
  /** What the cloud brings along itself, each with the setting that replaces it: sentences for the operator. */
  embedded: string[]
  /** What it was put together from, for tests that look inside. */
  parts: Parts
  /** Where the first admin makes an account, once, within a day; null where there is somebody already. */
  firstAdminLink: string | null
  /** Ends the server so that nobody is cut off who need not be; `hurry` ends the waiting. `close` then ends the rest. */
  drain(hurry?: AbortSignal): Promise<void>
  close(): Promise<void>
}

const SWEEP_MS = 3_600_000

const DISCOVERY_MS = 2_000

/** Opens the parts (those of its own where the settings name none), and listens. What starts here is closed in reverse. */
export async function startCloud(config: Config, { clock = Date.now }: { clock?: Clock } = {}): Promise<Cloud> {
  const folder = cloudFolder(config)
  const embedded: string[] = []
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.splice(0).toReversed()) await end()
  }
  let app: App | undefined

  async function databaseAddress(): Promise<string> {
    if (config.databaseUrl) return config.databaseUrl
    embedded.push(`The database is a Postgres of its own, in ${join(folder, 'postgres')}. DATABASE_URL names another.`)
    const postgres = await startPostgres(join(folder, 'postgres'), {
      onEnded: () => app?.log.error('Postgres ended, it is started again'),
    })
    closing.push(postgres.stop)
    return postgres.url
  }

  let ownerUrl = ''
  async function openDatabaseOf(url: string) {
    ownerUrl = config.databaseOwnerUrl ?? url
    await migrate(ownerUrl)
    const database = traceDatabase(openDatabase({ url, onLost: err => app?.log.warn({ err }, 'database connection lost') }))
    closing.push(database.close)
    return database
  }

  async function modelServers(): Promise<Config['modelServers']> {
    if (config.modelServers.length > 0) return config.modelServers
    embedded.push('The model server is an engine of its own with the small model that comes with Fusion. MODEL_SERVERS names others.')
    const {
      url,
      apiKey,
      close: end,
    } = await startModelServer({
      folder: join(folder, 'model-server'),
      onEnded: how => app?.log.warn(how, 'model server ended, it is started again'),
    })
    closing.push(end)
    return [{ url, apiKey }]
  }

  try {
    // Both take most of a second, and neither needs the other.
    const opened = await Promise.allSettled([databaseAddress().then(openDatabaseOf), modelServers()])
    const failed = opened.find(result => result.status === 'rejected')
    if (failed) throw failed.reason
    const [database, servers] = opened.map(result => (result as PromiseFulfilledResult<unknown>).value) as [
      Awaited<ReturnType<typeof openDatabaseOf>>,
      Config['modelServers'],
    ]
    if (!config.redisUrl) embedded.push('Cache and limits are kept in this process. REDIS_URL names a Redis for several.')
    const shared = await openShared(config, state => app?.log.warn({ state }, 'redis'))
    closing.push(shared.close)
    const { limits, redis } = shared
    let url = ''
    const publicUrl = () => config.publicUrl?.replace(/\/+$/, '') ?? url
    const secretKey = await readSecretKey({ configured: config.secretKey, folder })
    const models = createModels({
      servers: [],
      scaledToZero: config.models.flatMap(({ model, wakeUrl }) => (wakeUrl === undefined ? [] : [{ model, wakeUrl }])),
      queueSeconds: config.queueSeconds,
      onDrift(server, drift) {
        app?.metrics.engineDrifts.inc()
        app?.log.error({ server, ...drift }, 'what a model server says it made and what was counted differ by more than 1 %')
      },
    })
    const kubernetes = kubernetesOf(config)
    const discovery = discoverServers(servers, {
      onChange: models.setServers,
      onTrouble: host => app?.log.warn({ host }, 'servers behind a name could not be found, those that were stay'),
      ...(kubernetes && { kubernetes }),
    })
    closing.push(async () => discovery.close())
    // A name that nobody answers for holds up the start no longer.
    await Promise.race([discovery.found, new Promise(resolve => setTimeout(resolve, DISCOVERY_MS).unref())])
    const ledger = createLedger({
      database,
      onAway: () => app?.log.warn('usage can not be written, it is kept until the database is back'),
      onLost: (rows, code) => {
        app?.metrics.usageRowsLost.inc(rows)
        app?.log.error({ rows, code }, 'usage was lost')
      },
    })
    closing.push(ledger.close)
    const usage = tendUsage({ database, clock, onTrouble: () => app?.log.warn('usage could not be added up, it is tried again') })
    closing.push(usage.close)
    const pace = createPace()
    const told = config.models.map(({ model, promptPrice: prompt = 0, completionPrice: completion = 0 }) => ({ model, prompt, completion }))
    const prices = createPrices(await keepPrices(database, told))
    const rules = createRules({ database })
    const guess = createTokenGuess()
    const budgets = createBudgets({
      database,
      counters: shared.counters,
      prices,
      rules,
      guess,
      clock,
      onDrift: drift => {
        app?.metrics.budgetDrifts.inc()
        app?.log.error(drift, 'budgets and ledger differ by more than 1 %')
      },
    })
    closing.push(async () => budgets.close())
    const record = createRecord({ metrics: () => app?.metrics, ledger, models, pace, prices, clock })
    closing.push(models.close)
    const generations = createGenerations({
      database,
      models,
      clock,
      patience: patienceOf(config),
      record,
      tail: redis && createRedisEventTail(redis),
      onTrouble: what => app?.log.error(what),
    })
    closing.push(generations.close)
    const objectTokens = createObjectTokens({ key: deriveKey(secretKey, 'objects'), publicUrl, clock })
    const objects = await openObjects(config, objectTokens)
    closing.push(objects.close)
    if (objects.check.embedded) embedded.push(`Attachments lie in ${join(folder, 'objects')}. S3_BUCKET names a bucket of S3.`)
    const backups = createBackups({
      objects,
      databaseUrl: async () => ownerUrl,
      folder: join(folder, 'backups-under-way'),
      clock,
    })
    if (config.backups > 0) {
      const onTrouble = () => app?.log.error('no backup could be made, it is tried again')
      closing.push(keepDailyBackups({ backups, keep: config.backups, clock, onTrouble }).close)
    }
    const audit = createAudit({ database, secretKey, clock })
    const auditArchive = createAuditArchive({
      database,
      objects,
      checkChain: audit.checkChain,
      onTrouble: () => app?.log.error('the audit log could not be archived, it is tried again'),
    })
    closing.push(auditArchive.close)
    const identity = createIdentity({ database, secretKey, audit, cache: shared.cache, publicUrl, clock })
    // Before it listens: with another secret key nobody could come in.
    await identity.keys.published()
    const checks: PartChecks = {
      database: { embedded: !config.databaseUrl, check: () => database.query('select 1') },
      cache: shared.check,
      models: { embedded: config.modelServers.length === 0, check: models.check },
      objects: objects.check,
    }
    const accountRemoval = createAccountRemoval({
      database,
      objects,
      clock,
      onTrouble: () => app?.log.warn('a deleted account could not be removed whole, it is tried again'),
    })
    closing.push(accountRemoval.close)
    const apiKeys = createApiKeys({ database, audit, clock })
    const authenticate = createAuthenticate({ accessToken: identity.callerOf, apiKey: apiKeys.authenticate })
    const onEnded = async (userId: string) => {
      apiKeys.forget(userId)
      await identity.sessions.forget(userId)
    }
    const oidc = createOidc({ config, database, audit, clock, onEnded })
    const signInMethods = () => (oidc ? [oidc.method] : [])
    const policies = createPolicies({ rules })
    const parts: Parts = {
      config,
      database,
      clock,
      sealingKey: deriveKey(secretKey, 'answers'),
      publicUrl,
      identity,
      accountRemoval,
      signInMethods,
      apiKeys,
      audit,
      auditArchive,
      oidc,
      authenticate,
      models,
      policies,
      rules,
      budgets,
      guess,
      answers: shared.answers,
      auto: createAuto({ told: config.models, models, policies, pace, guess, rulesOf: id => findRoutingRules(database, id) }),
      generations,
      record,
      checks,
      limits,
      objects,
      objectTokens,
      redis,
    }
    app = await createApp(parts)
    closing.push(() => app!.close())
    // Before the server waits for its connections: those of answers go on elsewhere, and what is being made comes to its end.
    let patienceMs = config.drainSeconds * 1000
    closing.push(() => generations.drain(patienceMs))
    await app.listen({ host: config.host, port: config.port })
    const { port } = app.server.address() as AddressInfo
    url = `http://${config.host}:${port}`
    const sweeping = setInterval(
      () =>
        void Promise.all([identity.sweep(), forgetKeys(database)]).catch(() =>
          app?.log.warn('what has ended could not be removed, it is tried again'),
        ),
      SWEEP_MS,
    )
    closing.push(async () => clearInterval(sweeping))
    const firstAdminLink = await identity.invitations.firstAdminLink()
    const listening = app
    return {
      url,
      parts,
      embedded,
      firstAdminLink,
      async drain(hurry) {
        const noticeMs = config.drainNoticeSeconds * 1000
        await drain(listening, { noticeMs, patienceMs, tellStreams: () => generations.drain(patienceMs), ...(hurry && { hurry }) })
        patienceMs = 0
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
