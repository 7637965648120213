import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Database } from '../../database/connection.ts'
import {
  createInvitation,
  findInvitation,
  type Invitation,
  markInvitationUsed,
  removeFirstInvitations,
} from '../../database/invitations.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { createUser, hasUsers, lockUsers, type User } from '../../database/users.ts'
import type { Clock } from '../clock.ts'
import type { Audit } from '../security/audit.ts'
import { FIRST_ADMIN_LINK_MS, INVITATION_MS } from './lifetimes.ts'
import type { LocalAccounts } from './local-accounts.ts'
import { hashOf, makeOnceCode } from './oauth/once-code.ts'

export interface Joining {
  organisation: string
  name: string
  email: string
  password: string
}

export interface Invitations {
  /** The link is shown once; nobody can find it again. */
  invite(of: {
    organisationId: string
    role: Role
    email: string | null
    invitedBy: string
  }): Promise<{ invitation: Invitation; link: string }>
  /** Where the first admin makes the organisation and an account; null where there is somebody already. */
  firstAdminLink(): Promise<string | null>
  find(code: string): Promise<Invitation | undefined>
  /** Makes the account, for somebody at this network address. Throws `link-over`, `email-taken`, `password-short`. */
  accept(code: string, joining: Joining, address: string): Promise<User>
}

export function createInvitations({
  database,
  local,
  audit,
  publicUrl,
  clock,
}: {
  database: Database
  local: LocalAccounts
  audit: Audit
  publicUrl: () => string
  clock: Clock
}): Invitations {
  async function make(of: { organisationId: string | null; role: Role; email: string | null; invitedBy: string | null; ms: number }) {
    const { code, hash } = makeOnceCode()
    const now = clock()
    const { organisationId, role, email, invitedBy, ms } = of
    const invitation = { id: newId(), organisationId, role, email, createdAt: new Date(now), expiresAt: new Date(now + ms), usedAt: null }
    await createInvitation(database, { ...invitation, hash, invitedBy })
    return { invitation, link: `${publicUrl()}/welcome?code=${code}` }
  }
  const find = (code: string) => findInvitation(database, hashOf(code), { now: new Date(clock()), hold: false })

  return {
    invite: of => make({ ...of, ms: INVITATION_MS }),
    async firstAdminLink() {
      if (await hasUsers(database)) return null
      return (await make({ organisationId: null, role: 'admin', email: null, invitedBy: null, ms: FIRST_ADMIN_LINK_MS })).link
    },
    find,
    async accept(code, { organisation, name, email, password }, address) {
      // Before the work of a hash, which is not for whoever has no link.
      const found = await find(code)
      if (!found) throw failure('link-over')
      const first = found.organisationId === null
      const passwordHash = await local.hash(password)
      return database.transaction(async tx => {
        const now = new Date(clock())
        // Before the invitation is held: whoever is first takes away those of the others.
        if (first) await lockUsers(tx)
        const invitation = await findInvitation(tx, hashOf(code), { now, hold: true })
        if (!invitation || (first && (await hasUsers(tx)))) throw failure('link-over')
        const organisationId = invitation.organisationId ?? (await createOrganisation(tx, organisation)).id
        const user = await createUser(tx, { organisationId, email: invitation.email ?? email, name, role: invitation.role, passwordHash })
        if (!user) throw failure('email-taken')
        await markInvitationUsed(tx, invitation.id, { userId: user.id, now })
        if (first) await removeFirstInvitations(tx)
        const detail = { role: user.role, by: 'invitation' }
        await audit.write({ event: 'user-join', organisationId, actorId: user.id, subjectId: invitation.id, address, detail }, tx)
        return user
      })
    },
  }
}
