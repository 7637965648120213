import { providerRoutes } from '@fusion/shared/contract/cloud/security.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyInstance } from 'fastify'
import { tellErrorsAsPages } from '../../auth/pages/error-page.ts'
import { serve } from '../../http/serve-route.ts'
import type { Parts } from '../../parts.ts'
import { keepSecret, secretIn } from './browser-secret.ts'

/** To the OpenID provider and back. */
export async function providerPages(app: FastifyInstance, { identity, oidc, audit, publicUrl }: Parts): Promise<void> {
  tellErrorsAsPages(app)
  const redirectUri = () => `${publicUrl()}${providerRoutes.finish.path}`
  const secure = () => publicUrl().startsWith('https:')

  serve(app, providerRoutes.begin, async ({ query, request, reply }) => {
    if (!oidc) throw failure('sign-in-unknown')
    // Somebody else's page must not send a browser this way: with a session at the provider no one would be asked again.
    if (!identity.forms.isOpen(request)) throw failure('sign-in-stale')
    const secret = keepSecret(request, reply, secure())
    const address = await oidc.signIns.begin({ purpose: query.purpose, secret, redirectUri: redirectUri() })
    reply.redirect(address.href, 303)
  })

  serve(app, providerRoutes.finish, async ({ request, reply }) => {
    if (!oidc) throw failure('sign-in-unknown')
    const cameBack = new URL(redirectUri())
    cameBack.search = new URL(request.url, redirectUri()).search
    const secret = secretIn(request, secure())
    if (!secret) throw failure('sign-in-stale')
    const address = request.ip
    const { claims, purpose } = await oidc.signIns.finish({ cameBack, secret })
    const user = await oidc.admission.admit(claims, address).catch(async (error: unknown) => {
      // Only what somebody was refused who had signed in there: anybody could fill the log with the rest.
      if (error instanceof Failure)
        await audit.write({ event: 'sign-in-failure', organisationId: null, address, detail: { by: 'provider', why: error.code } })
      throw error
    })
    const location = await identity.finishSignIn(purpose, user)
    await audit.write({ event: 'sign-in', organisationId: user.organisationId, actorId: user.id, address, detail: { by: 'provider' } })
    reply.redirect(location, 303)
  })
}
