import { signInRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { asApiError } from '@fusion/shared/openai/failure.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerDevice, findWaitingDevice } from '../../../database/authorizations.ts'
import { findUserByEmail } from '../../../database/users.ts'
import { readForms } from '../../http/read-forms.ts'
import { serve } from '../../http/serve-route.ts'
import type { Parts } from '../../parts.ts'
import { tellErrorsAsPages } from '../pages/error-page.ts'
import { sendPage } from '../pages/page.ts'
import { confirmDevicePage, lastPage, type SignInPage, signInPage, typeCodePage } from '../pages/sign-in-page.ts'
import { readAuthorizationRequest, returnAddress } from './authorization-request.ts'
import { type Purpose, readPurpose, writePurpose } from './purpose.ts'
import { readUserCode } from './user-code.ts'

/** The pages where people sign in, for an app on this computer or a device elsewhere. */
export async function signInPages(app: FastifyInstance, parts: Parts): Promise<void> {
  const { config, database, identity, audit, publicUrl, clock } = parts
  const { forms, local } = identity
  const now = () => new Date(clock())
  readForms(app)
  tellErrorsAsPages(app)

  async function showSignIn(
    purpose: Purpose,
    {
      request,
      reply,
      email = '',
      failed = null,
    }: { request: FastifyRequest; reply: FastifyReply; email?: string; failed?: Failure | null },
  ): Promise<void> {
    const page: SignInPage = {
      purpose: writePurpose(purpose),
      form: forms.open(request, reply),
      local: config.localAccounts ? { email } : null,
      methods: parts.signInMethods(),
      failed,
    }
    const status = failed ? asApiError(failed).status : 200
    const { host } = new URL(publicUrl())
    if (purpose.kind === 'authorization') {
      const { deviceName, redirectUri } = purpose.request
      const cancel = returnAddress(purpose.request, publicUrl(), { error: 'access_denied' })
      sendPage(reply, { ...signInPage(page, { deviceName, host, cancel, redirectUri }), status })
      return
    }
    const device = await findWaitingDevice(database, purpose.userCode, now())
    if (!device) sendPage(reply, { ...typeCodePage(failure('device-code-wrong')), status: 404 })
    else sendPage(reply, { ...confirmDevicePage(page, { ...device, userCode: purpose.userCode, host }), status })
  }

  serve(app, signInRoutes.authorize, async ({ query, request, reply }) => {
    const read = readAuthorizationRequest(query, publicUrl())
    if (read.kind === 'unfit') throw failure('sign-in-unknown')
    if (read.kind === 'refused') reply.redirect(read.location, 303)
    else await showSignIn({ kind: 'authorization', request: read.request }, { request, reply })
  })

  serve(app, signInRoutes.signIn, async ({ body, request, reply }) => {
    const { email, password } = body
    const purpose = readPurpose(body.purpose, publicUrl())
    if (!purpose || !config.localAccounts) throw failure('sign-in-unknown')
    const address = request.ip
    try {
      forms.check(request, body.form)
      const user = await local.signIn({ email, password, address })
      const location = await identity.finishSignIn(body.purpose, user)
      await audit.write({ event: 'sign-in', organisationId: user.organisationId, actorId: user.id, address, detail: { by: 'password' } })
      reply.redirect(location, 303)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      // Those that have to wait are not written down: there may be any number of them.
      if (error.code === 'sign-in-wrong') {
        const known = await findUserByEmail(database, email)
        const [organisationId, subjectId] = [known?.organisationId ?? null, known?.id ?? null]
        await audit.write({ event: 'sign-in-failure', organisationId, subjectId, address, detail: { by: 'password', why: error.code } })
      }
      await showSignIn(purpose, { request, reply, email, failed: error })
    }
  })

  serve(app, signInRoutes.devicePage, async ({ query, request, reply }) => {
    if (query.done) {
      sendPage(reply, lastPage('The device is signed in', 'You can close this page and go on there.'))
      return
    }
    const userCode = readUserCode(query.user_code ?? '')
    if (userCode) await showSignIn({ kind: 'device', userCode }, { request, reply })
    else if (query.user_code) sendPage(reply, { ...typeCodePage(failure('device-code-wrong')), status: 404 })
    else sendPage(reply, typeCodePage(null))
  })

  serve(app, signInRoutes.refuseDevice, async ({ body, request, reply }) => {
    forms.check(request, body.form)
    await answerDevice(database, readUserCode(body.user_code) ?? '', { userId: null, now: now() })
    sendPage(reply, lastPage('The device was refused', 'Nobody was signed in. You can close this page.'))
  })
}
