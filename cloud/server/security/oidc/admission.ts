import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { revokeApiKeys } from '../../../database/api-keys.ts'
import type { Database, Queryable } from '../../../database/connection.ts'
import { linkIdentity, useIdentity } from '../../../database/identities.ts'
import { holdInvitationFor, markInvitationUsed } from '../../../database/invitations.ts'
import { findFirstOrganisation } from '../../../database/organisations.ts'
import { revokeSessions } from '../../../database/sessions.ts'
import { createUser, findUser, findUserByEmail, setPasswordHash, type User } from '../../../database/users.ts'
import { isEmail } from '../../auth/email.ts'
import type { Clock } from '../../clock.ts'
import type { Audit } from '../audit.ts'
import type { Claims } from './provider.ts'

/** Who may come in without an account or an invitation: `anyone`, nobody (`invited`), or people of these e-mail domains. */
export type Admit = 'anyone' | 'invited' | readonly string[]

/** As OIDC_ADMIT has it. */
export const readAdmit = (text: string): Admit => (text === 'anyone' || text === 'invited' ? text : text.toLowerCase().split(','))

export interface Admission {
  /**
   * The account of whoever the provider says came; makes one where they may have one. Throws `account-closed`, `email-unverified`,
   * `not-admitted`.
   */
  admit(claims: Claims, address: string): Promise<User>
}

export function createAdmission({
  database,
  audit,
  admit,
  name: providerName,
  clock,
  onEnded,
}: {
  database: Database
  audit: Audit
  admit: Admit
  /** Of the provider, for sentences. */
  name: string
  clock: Clock
  /** Sessions and keys of this person have ended. */
  onEnded: (userId: string) => Promise<void>
}): Admission {
  async function placeFor(tx: Queryable, email: string): Promise<{ organisationId: string; role: Role; invitation: string | null }> {
    const invitation = await holdInvitationFor(tx, email, new Date(clock()))
    if (invitation) return { organisationId: invitation.organisationId, role: invitation.role, invitation: invitation.id }
    const organisation = mayJoin(admit, email) && (await findFirstOrganisation(tx))
    if (!organisation) throw failure('not-admitted')
    return { organisationId: organisation.id, role: 'member', invitation: null }
  }

  async function join(tx: Queryable, claims: Claims & { email: string }, address: string): Promise<User> {
    const { email, issuer, subject } = claims
    const now = new Date(clock())
    const { organisationId, role, invitation } = await placeFor(tx, email)
    const user = await createUser(tx, { organisationId, role, email, name: nameOf(claims) })
    // Somebody was quicker.
    if (!user) throw failure('sign-in-stale')
    if (invitation) await markInvitationUsed(tx, invitation, { userId: user.id, now })
    await linkIdentity(tx, { issuer, subject, userId: user.id, now })
    const detail = { role, by: invitation ? 'invitation' : 'provider' }
    await audit.write({ event: 'user-join', organisationId, actorId: user.id, subjectId: user.id, address, detail }, tx)
    return user
  }

  /**
   * From now on the provider alone says who this is. Whoever made the account may have been somebody else, who only wrote down this
   * address: so its password, its sessions and its keys end.
   */
  async function link(tx: Queryable, user: User, { issuer, subject }: Claims, address: string): Promise<void> {
    const now = new Date(clock())
    await linkIdentity(tx, { issuer, subject, userId: user.id, now })
    await setPasswordHash(tx, user.id, null)
    const sessions = await revokeSessions(tx, { userId: user.id, now })
    const keys = await revokeApiKeys(tx, user.id, now)
    const detail = { sessionsEnded: sessions.length, keysEnded: keys.length }
    await audit.write(
      { event: 'identity-link', organisationId: user.organisationId, actorId: user.id, subjectId: user.id, address, detail },
      tx,
    )
  }

  return {
    async admit(claims, address) {
      let linked = false
      const user = await database.transaction(async tx => {
        const known = await useIdentity(tx, claims, new Date(clock()))
        if (known) return mayComeIn(await findUser(tx, known.userId))
        const { email } = claims
        if (email === null || !isEmail(email)) throw failure('email-unverified', { name: providerName })
        const user = await findUserByEmail(tx, email)
        if (!user) return join(tx, { ...claims, email }, address)
        mayComeIn(user)
        await link(tx, user, claims, address)
        linked = true
        return user
      })
      if (linked) await onEnded(user.id)
      return user
    },
  }
}

function mayComeIn(user: User | undefined): User {
  if (!user || user.disabledAt) throw failure('account-closed')
  return user
}

function mayJoin(admit: Admit, email: string): boolean {
  if (admit === 'anyone') return true
  if (admit === 'invited') return false
  return admit.includes(email.slice(email.lastIndexOf('@') + 1).toLowerCase())
}

/** As the provider writes it, if that is something to read. */
function nameOf({ name, email }: { name: string | null; email: string }): string {
  const readable = Array.from((name ?? '').toWellFormed().replaceAll(/\p{C}/gu, '').trim())
    .slice(0, 200)
    .join('')
  return readable || email.slice(0, 200)
}
