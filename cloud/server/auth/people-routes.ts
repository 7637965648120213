import { type InvitationEntry, peopleRoutes, type Person } from '@fusion/shared/contract/cloud/people.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { type Invitation, listInvitations, removeInvitation } from '../../database/invitations.ts'
import { changeUser, holdAdmins, listUsers, type User } from '../../database/users.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { isEmail } from './email.ts'

const PAGE = 200

/** What admins do with the people of their organisation: see, change, invite. */
export async function people(
  app: FastifyInstance,
  { config, database, identity, apiKeys, audit, clock }: Pick<Parts, 'config' | 'database' | 'identity' | 'apiKeys' | 'audit' | 'clock'>,
): Promise<void> {
  const now = () => new Date(clock())

  serve(app, peopleRoutes.people, async ({ caller, query }) => {
    const found = await listUsers(database, { organisationId: caller.organisationId, after: query.after, limit: PAGE + 1 })
    return { users: found.slice(0, PAGE).map(asPerson), more: found.length > PAGE }
  })

  serve(app, peopleRoutes.changePerson, async ({ caller, params, body, request }) => {
    const { organisationId, userId: actorId } = caller
    const changed = await database.transaction(async tx => {
      const admins = await holdAdmins(tx, organisationId)
      const isLast = admins.length === 1 && admins[0] === params.user
      if (isLast && (body.disabled || (body.role && body.role !== 'admin'))) throw failure('last-admin')
      const changed = await changeUser(tx, { ...body, id: params.user, organisationId, now: now() })
      if (!changed) throw failure('not-found')
      const by = { organisationId, actorId, subjectId: changed.id, address: request.ip }
      if (body.role) await audit.write({ ...by, event: 'role-change', detail: { role: body.role } }, tx)
      if (body.disabled !== undefined) await audit.write({ ...by, event: body.disabled ? 'user-disable' : 'user-enable' }, tx)
      return changed
    })
    apiKeys.forget(changed.id)
    await identity.sessions.forget(changed.id)
    return asPerson(changed)
  })

  serve(app, peopleRoutes.invitations, async ({ caller }) => {
    const found = await listInvitations(database, caller.organisationId, now())
    return { invitations: found.map(asEntry) }
  })

  serve(app, peopleRoutes.invite, async ({ caller, body, request }) => {
    const email = body.email?.trim() ?? null
    // Where nobody has a password, people are known by the address that they sign in with.
    if (email === null ? !config.localAccounts : !isEmail(email)) throw failure('email-unfit')
    const { userId: invitedBy, organisationId } = caller
    const { invitation, link } = await identity.invitations.invite({ organisationId, role: body.role, email, invitedBy })
    const detail = { role: invitation.role }
    await audit.write({ event: 'user-invite', organisationId, actorId: invitedBy, subjectId: invitation.id, address: request.ip, detail })
    return { invitation: asEntry(invitation), link }
  })

  serve(app, peopleRoutes.removeInvitation, async ({ caller, params, request }) => {
    const { organisationId, userId: actorId } = caller
    if (!(await removeInvitation(database, { id: params.invitation, organisationId }))) throw failure('not-found')
    await audit.write({ event: 'invitation-withdraw', organisationId, actorId, subjectId: params.invitation, address: request.ip })
  })
}

function asPerson({ id, email, name, role, disabledAt, createdAt }: User): Person {
  return { id, email, name, role, disabledAt: disabledAt?.getTime() ?? null, createdAt: createdAt.getTime() }
}

function asEntry({ id, role, email, createdAt, expiresAt }: Invitation): InvitationEntry {
  return { id, role, email, createdAt: createdAt.getTime(), expiresAt: expiresAt.getTime() }
}
