import { type ApiKeyEntry, apiKeyRoutes } from '@fusion/shared/contract/cloud/security.ts'
import type { FastifyInstance } from 'fastify'
import type { ApiKey } from '../../database/api-keys.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { actorOf } from './actor.ts'
import { beginOf } from './api-key-text.ts'

/** The keys that a person makes for their programs. */
export async function apiKeys(app: FastifyInstance, { apiKeys: keys }: Pick<Parts, 'apiKeys'>): Promise<void> {
  serve(app, apiKeyRoutes.apiKeys, async ({ caller }) => ({ keys: (await keys.list(caller.userId)).map(apiKeyEntry) }))

  serve(app, apiKeyRoutes.makeApiKey, async ({ caller, request, body }) => {
    const { key, text } = await keys.make(actorOf(caller, request), body)
    return { key: apiKeyEntry(key), secret: text }
  })

  serve(app, apiKeyRoutes.rotateApiKey, async ({ caller, request, params, body }) => {
    const { key, text } = await keys.rotate(actorOf(caller, request), params.key, body.keepMs)
    return { key: apiKeyEntry(key), secret: text }
  })

  serve(app, apiKeyRoutes.revokeApiKey, async ({ caller, request, params }) => keys.revoke(actorOf(caller, request), params.key))
}

export function apiKeyEntry({ id, name, scopes, replaces, createdAt, expiresAt, lastUsedAt }: ApiKey): ApiKeyEntry {
  return {
    id,
    name,
    begins: beginOf(id),
    scopes,
    replaces,
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    lastUsedAt: lastUsedAt?.getTime() ?? null,
  }
}
