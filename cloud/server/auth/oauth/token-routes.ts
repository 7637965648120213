import { accountRoutes, signInRoutes } from '@fusion/shared/contract/cloud/account.ts'
import type { FastifyError, FastifyInstance } from 'fastify'
import { readForms } from '../../http/read-forms.ts'
import { serve } from '../../http/serve-route.ts'
import type { Parts } from '../../parts.ts'
import { OAuthError } from './oauth-error.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** What programs ask the authorization server: tokens, their end, and what others check them with. */
export async function tokenRoutes(
  app: FastifyInstance,
  { identity, audit, publicUrl }: Pick<Parts, 'identity' | 'audit' | 'publicUrl'>,
): Promise<void> {
  const { grants, sessions, keys } = identity
  readForms(app)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof OAuthError) {
      reply.code(error.error === 'invalid_client' ? 401 : 400)
      return reply.send({ error: error.error, error_description: error.message })
    }
    const { status, retryAfter, body } = app.told(error, request)
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    return reply.code(status).send({ error: nameOf(status, request.body), error_description: body.error.message })
  })

  serve(app, accountRoutes.token, async ({ body, request }) => {
    switch (body.grant_type) {
      case 'authorization_code': {
        const { code, client_id: clientId, redirect_uri: redirectUri, code_verifier: verifier } = body
        return grants.byCode({ code, clientId, redirectUri, verifier })
      }
      case 'refresh_token':
        return grants.byRefresh({ token: body.refresh_token, clientId: body.client_id, address: request.ip })
      case DEVICE_GRANT:
        return grants.byDevice({ code: body.device_code, clientId: body.client_id })
    }
  })

  serve(app, accountRoutes.device, async ({ body }) => grants.beginDevice({ clientId: body.client_id, deviceName: body.device_name }))

  serve(app, accountRoutes.revoke, async ({ body, request }) => {
    const ended = await sessions.endByToken(body.token)
    if (ended) {
      const { id, userId, organisationId } = ended
      await audit.write({ event: 'sign-out', organisationId, actorId: userId, subjectId: id, address: request.ip })
    }
    return {}
  })

  serve(app, signInRoutes.metadata, async () => ({
    issuer: publicUrl(),
    authorization_endpoint: `${publicUrl()}${signInRoutes.authorize.path}`,
    token_endpoint: `${publicUrl()}${accountRoutes.token.path}`,
    device_authorization_endpoint: `${publicUrl()}${accountRoutes.device.path}`,
    revocation_endpoint: `${publicUrl()}${accountRoutes.revoke.path}`,
    jwks_uri: `${publicUrl()}${signInRoutes.keys.path}`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token', DEVICE_GRANT],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
  }))

  serve(app, signInRoutes.keys, async ({ reply }) => {
    // Far shorter than a new key is published before it signs.
    reply.header('cache-control', 'public, max-age=300')
    const { keys: published } = await keys.published()
    return { keys: published.map(key => ({ ...key })) }
  })
}

function nameOf(status: number, body: unknown): string {
  if (status >= 500) return status === 503 ? 'temporarily_unavailable' : 'server_error'
  const grant = (body as { grant_type?: unknown } | undefined)?.grant_type
  const known = ['authorization_code', 'refresh_token', DEVICE_GRANT]
  return typeof grant === 'string' && !known.includes(grant) ? 'unsupported_grant_type' : 'invalid_request'
}
