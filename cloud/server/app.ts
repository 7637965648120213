import { admin } from './admin/routes.ts'
import { account } from './auth/account-routes.ts'
import { signInPages } from './auth/oauth/sign-in-routes.ts'
import { tokenRoutes } from './auth/oauth/token-routes.ts'
import { people } from './auth/people-routes.ts'
import { welcomePages } from './auth/welcome-routes.ts'
import { measureRedis } from './cache/redis-metrics.ts'
import { chat } from './chat/routes.ts'
import { dashboard } from './dashboard/routes.ts'
import { answerOnce } from './http/idempotency.ts'
import { type App, createGround } from './http/ground.ts'
import { exportHistory } from './history/export-routes.ts'
import { history } from './history/routes.ts'
import { inference } from './inference/routes.ts'
import { attachments } from './objects/routes.ts'
import type { Parts } from './parts.ts'
import { search } from './search/routes.ts'
import { security } from './security/security.ts'
import { measureGenerations } from './telemetry/metrics.ts'
import { usage } from './usage/routes.ts'

/** The server, with every route; it listens nowhere yet. */
export async function createApp(parts: Parts): Promise<App> {
  const app = await createGround(parts)
  answerOnce(app, parts)
  measureGenerations(app.metrics, parts.generations)
  if (parts.redis) measureRedis(app.metrics.registry, parts.redis)
  await app.register(account, parts)
  await app.register(people, parts)
  await app.register(tokenRoutes, parts)
  await app.register(signInPages, parts)
  await app.register(welcomePages, parts)
  await app.register(security, parts)
  await app.register(inference, parts)
  await app.register(chat, parts)
  await app.register(usage, parts)
  await app.register(history, parts)
  await app.register(exportHistory, parts)
  await app.register(search, parts)
  await app.register(dashboard)
  await app.register(admin, parts)
  await app.register(attachments, parts)
  return app
}
