import { accountRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { AuditEventName } from '@fusion/shared/contract/cloud/security.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findOrganisation } from '../../database/organisations.ts'
import { listSessions } from '../../database/sessions.ts'
import { findUser, setUserName } from '../../database/users.ts'
import type { Caller } from '../caller.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

/** Who is signed in, and on which devices. */
export async function account(
  app: FastifyInstance,
  { database, identity, audit, clock }: Pick<Parts, 'database' | 'identity' | 'audit' | 'clock'>,
): Promise<void> {
  /** Says in the audit log what a person did to their own account. */
  async function write(
    event: AuditEventName,
    { caller, request, subjectId }: { caller: Caller; request: FastifyRequest; subjectId?: string },
  ) {
    const { userId: actorId, organisationId } = caller
    await audit.write({ event, organisationId, actorId, subjectId: subjectId ?? actorId, address: request.ip })
  }

  async function accountOf(caller: Caller) {
    const user = await findUser(database, caller.userId)
    const organisation = await findOrganisation(database, caller.organisationId)
    if (!user || !organisation) throw failure('signed-out')
    const { id, email, name, role } = user
    return { user: { id, email, name, role }, organisation: { id: organisation.id, name: organisation.name }, session: caller.sessionId }
  }

  serve(app, accountRoutes.account, async ({ caller }) => accountOf(caller))

  serve(app, accountRoutes.changeAccount, async ({ caller, body, request }) => {
    const { name, password } = body
    if (password) {
      const user = await findUser(database, caller.userId)
      if (!user) throw failure('signed-out')
      await identity.local.changePassword({ user, ...password, address: request.ip })
      await identity.sessions.end({ userId: user.id, ...(caller.sessionId && { except: caller.sessionId }) })
      await write('password-change', { caller, request })
    }
    if (name !== undefined) await setUserName(database, caller.userId, name.trim())
    return accountOf(caller)
  })

  serve(app, accountRoutes.sessions, async ({ caller }) => {
    const entries = await listSessions(database, caller.userId, new Date(clock()))
    return {
      sessions: entries.map(({ id, clientId, deviceName, createdAt, lastUsedAt }) => ({
        id,
        client: clientId,
        device: deviceName,
        createdAt: createdAt.getTime(),
        lastUsedAt: lastUsedAt.getTime(),
        current: id === caller.sessionId,
      })),
    }
  })

  serve(app, accountRoutes.endSession, async ({ caller, params, request }) => {
    if (!(await identity.sessions.end({ userId: caller.userId, id: params.session }))) throw failure('not-found')
    await write('sign-out', { caller, request, subjectId: params.session })
  })

  serve(app, accountRoutes.endSessions, async ({ caller, request }) => {
    await identity.sessions.end({ userId: caller.userId })
    await write('sign-out-everywhere', { caller, request })
  })
}
