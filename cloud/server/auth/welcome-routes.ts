import { PersonName, signInRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { asApiError } from '@fusion/shared/openai/failure.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Value } from 'typebox/value'
import { findOrganisation } from '../../database/organisations.ts'
import { readForms } from '../http/read-forms.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import type { Joining } from './invitations.ts'
import { isEmail } from './email.ts'
import { tellErrorsAsPages } from './pages/error-page.ts'
import { sendPage } from './pages/page.ts'
import { lastPage } from './pages/sign-in-page.ts'
import { welcomePage } from './pages/welcome-page.ts'

/** The page where somebody who was invited, or is the first, makes an account. */
export async function welcomePages(
  app: FastifyInstance,
  { config, database, identity, publicUrl }: Pick<Parts, 'config' | 'database' | 'identity' | 'publicUrl'>,
): Promise<void> {
  const { forms, invitations } = identity
  readForms(app)
  tellErrorsAsPages(app)

  async function show(
    code: string,
    {
      request,
      reply,
      typed = {},
      failed = null,
    }: { request: FastifyRequest; reply: FastifyReply; typed?: Partial<Joining>; failed?: Failure | null },
  ): Promise<void> {
    const invitation = await invitations.find(code)
    if (!invitation) throw failure('link-over')
    // Where nobody has a password, the account is made by the first sign-in with the address that was invited.
    if (invitation.organisationId && !config.localAccounts) {
      sendPage(reply, lastPage('You are invited', `Open Fusion and sign in to the cloud at ${new URL(publicUrl()).host}.`))
      return
    }
    const organisation = invitation.organisationId ? await findOrganisation(database, invitation.organisationId) : null
    const form = forms.open(request, reply)
    const organisationName = organisation?.name ?? null
    const page = welcomePage({ code, form, organisationName, invitedEmail: invitation.email, typed, failed })
    sendPage(reply, { ...page, status: failed ? asApiError(failed).status : 200 })
  }

  serve(app, signInRoutes.welcome, async ({ query, request, reply }) => show(query.code ?? '', { request, reply }))

  serve(app, signInRoutes.join, async ({ body, request, reply }) => {
    const { code, name, organisation = '', email = '', password } = body
    const typed = { organisation: organisation.trim(), name: name.trim(), email: email.trim() }
    try {
      forms.check(request, body.form)
      const invitation = await invitations.find(code)
      if (!invitation) throw failure('link-over')
      if (invitation.organisationId && !config.localAccounts) throw failure('not-allowed')
      if (!Value.Check(PersonName, typed.name)) throw failure('name-unfit')
      if (!invitation.organisationId && !Value.Check(PersonName, typed.organisation)) throw failure('name-unfit')
      if (!invitation.email && !isEmail(typed.email)) throw failure('email-unfit')
      await invitations.accept(code, { ...typed, password }, request.ip)
      const { host } = new URL(publicUrl())
      sendPage(reply, lastPage('Your account is made', `Open Fusion and sign in to the cloud at ${host}.`))
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'link-over') throw error
      await show(code, { request, reply, typed, failed: error })
    }
  })
}
