import { accountRoutes } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { AuditEventName } from '@fusion/shared/contract/cloud/security.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { countOthers, markRemoved } from '../../database/account-removal.ts'
import { findOrganisation } from '../../database/organisations.ts'
import { listSessions } from '../../database/sessions.ts'
import { findPasswordHash, findUser, holdAdmins, setUserName } from '../../database/users.ts'
import type { Caller } from '../caller.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

/** Whoever has no password proves by a sign-in that is so young that it is them. */
const FRESH_MS = 10 * 60_000

/** Who is signed in, and on which devices. */
export async function account(
  app: FastifyInstance,
  { database, identity, apiKeys, audit, clock }: Pick<Parts, 'database' | 'identity' | 'apiKeys' | 'audit' | 'clock'>,
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

  serve(app, accountRoutes.purgeAccount, async ({ caller, body, request }) => {
    const { userId, organisationId } = caller
    const user = await findUser(database, userId)
    if (!user) throw failure('signed-out')
    if (body.email.trim().toLowerCase() !== user.email.toLowerCase()) throw failure('account-differs')
    if (await findPasswordHash(database, userId)) await identity.local.confirm({ user, password: body.password ?? '', address: request.ip })
    else if (!(await signedInSince(caller, clock() - FRESH_MS))) throw failure('sign-in-old')
    await database.asUser(userId, async tx => {
      const admins = await holdAdmins(tx, organisationId)
      const isLast = admins.length === 1 && admins[0] === userId
      // Of an organisation of their own everybody may go.
      if (isLast && (await countOthers(tx, { organisationId, userId })) > 0) throw failure('last-admin')
      await markRemoved(tx, userId, new Date(clock()))
      await audit.write({ event: 'account-purge', organisationId, actorId: userId, subjectId: userId, address: request.ip }, tx)
    })
    apiKeys.forget(userId)
    await identity.sessions.end({ userId })
  })

  async function signedInSince({ userId, sessionId }: Caller, since: number): Promise<boolean> {
    const entries = await listSessions(database, userId, new Date(clock()))
    return entries.some(({ id, createdAt }) => id === sessionId && createdAt.getTime() >= since)
  }

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
