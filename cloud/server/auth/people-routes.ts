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
  { database, identity, clock }: Pick<Parts, 'database' | 'identity' | 'clock'>,
): Promise<void> {
  const now = () => new Date(clock())

  serve(app, peopleRoutes.people, async ({ caller, query }) => {
    const found = await listUsers(database, { organisationId: caller.organisationId, after: query.after, limit: PAGE + 1 })
    return { users: found.slice(0, PAGE).map(asPerson), more: found.length > PAGE }
  })

  serve(app, peopleRoutes.changePerson, async ({ caller, params, body }) => {
    const { organisationId } = caller
    const changed = await database.transaction(async tx => {
      const admins = await holdAdmins(tx, organisationId)
      const isLast = admins.length === 1 && admins[0] === params.user
      if (isLast && (body.disabled || (body.role && body.role !== 'admin'))) throw failure('last-admin')
      return changeUser(tx, { ...body, id: params.user, organisationId, now: now() })
    })
    if (!changed) throw failure('not-found')
    identity.sessions.forget(changed.id)
    return asPerson(changed)
  })

  serve(app, peopleRoutes.invitations, async ({ caller }) => {
    const found = await listInvitations(database, caller.organisationId, now())
    return { invitations: found.map(asEntry) }
  })

  serve(app, peopleRoutes.invite, async ({ caller, body }) => {
    const email = body.email?.trim() ?? null
    if (email !== null && !isEmail(email)) throw failure('email-unfit')
    const { userId: invitedBy, organisationId } = caller
    const { invitation, link } = await identity.invitations.invite({ organisationId, role: body.role, email, invitedBy })
    return { invitation: asEntry(invitation), link }
  })

  serve(app, peopleRoutes.removeInvitation, async ({ caller, params }) => {
    const removed = await removeInvitation(database, { id: params.invitation, organisationId: caller.organisationId })
    if (!removed) throw failure('not-found')
  })
}

function asPerson({ id, email, name, role, disabledAt, createdAt }: User): Person {
  return { id, email, name, role, disabledAt: disabledAt?.getTime() ?? null, createdAt: createdAt.getTime() }
}

function asEntry({ id, role, email, createdAt, expiresAt }: Invitation): InvitationEntry {
  return { id, role, email, createdAt: createdAt.getTime(), expiresAt: expiresAt.getTime() }
}
