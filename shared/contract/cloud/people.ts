// The people of an organisation, as its admins see them.
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { PersonName, Role } from './account.ts'
import { route } from './route.ts'

const Email = Type.String({ minLength: 3, maxLength: 320 })

/** Times are ms since 1970. */
export const Person = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  role: Role,
  /** When the account was closed; null: it is open. */
  disabledAt: Type.Union([Type.Integer(), Type.Null()]),
  createdAt: Type.Integer(),
})
export type Person = Static<typeof Person>

export const InvitationEntry = Type.Object({
  id: Id,
  role: Role,
  /** The address it is for; null: whoever has the link. */
  email: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.Integer(),
  expiresAt: Type.Integer(),
})
export type InvitationEntry = Static<typeof InvitationEntry>

const admin = { who: 'role', role: 'admin' } as const

export const peopleRoutes = {
  people: route({
    method: 'GET',
    path: '/v1/users',
    access: { who: 'role', role: 'auditor' },
    summary: 'The people of the organisation, the newest first, at most 200 at a time.',
    query: Type.Object({
      /** Go on after this one: the last of the page before. */
      after: Type.Optional(Id),
    }),
    reply: Type.Object({ users: Type.Array(Person), more: Type.Boolean() }),
  }),
  changePerson: route({
    method: 'PATCH',
    path: '/v1/users/{user}',
    access: admin,
    summary: 'Changes the name or role of a person, or closes and opens the account. The last admin stays one.',
    params: Type.Object({ user: Id }),
    body: Type.Object(
      { name: Type.Optional(PersonName), role: Type.Optional(Role), disabled: Type.Optional(Type.Boolean()) },
      { additionalProperties: false },
    ),
    reply: Person,
  }),
  invitations: route({
    method: 'GET',
    path: '/v1/invitations',
    access: admin,
    summary: 'Invitations that can still be taken.',
    reply: Type.Object({ invitations: Type.Array(InvitationEntry) }),
  }),
  invite: route({
    method: 'POST',
    path: '/v1/invitations',
    access: admin,
    summary: 'Makes a link, good once and for a week, by which somebody makes an account. It is shown this one time.',
    body: Type.Object({ role: Role, email: Type.Optional(Email) }, { additionalProperties: false }),
    reply: Type.Object({ invitation: InvitationEntry, link: Type.String() }),
  }),
  removeInvitation: route({
    method: 'DELETE',
    path: '/v1/invitations/{invitation}',
    access: admin,
    summary: 'Makes the link of an invitation worthless.',
    params: Type.Object({ invitation: Id }),
  }),
}
