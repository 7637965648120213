import type { FastifyInstance } from 'fastify'
import type { Parts } from '../parts.ts'
import { apiKeys } from './api-key-routes.ts'
import { auditLog } from './audit-routes.ts'
import { providerPages } from './oidc/routes.ts'

/** What programs come in with, and what is written down of who came in. */
export async function security(app: FastifyInstance, parts: Parts): Promise<void> {
  await app.register(apiKeys, parts)
  await app.register(auditLog, parts)
  await app.register(providerPages, parts)
}
