// What admins do in their organisation besides its people, and auditors see. Nobody here reads what people write.
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { PersonName } from './account.ts'
import { route } from './route.ts'
import { ApiKeyEntry } from './security.ts'

const auditor = { who: 'role', role: 'auditor' } as const
const admin = { who: 'role', role: 'admin' } as const

const OrganisationSettings = Type.Object({
  id: Id,
  name: Type.String(),
  /** What every prompt of its people begins with; null: nothing. */
  systemPrompt: Type.Union([Type.String(), Type.Null()]),
})

/** Whose it is stands beside. */
const OrganisationApiKey = Type.Object({ key: ApiKeyEntry, owner: Type.Object({ id: Id, email: Type.String() }) })
export type OrganisationApiKey = Static<typeof OrganisationApiKey>

export const adminRoutes = {
  organisation: route({
    method: 'GET',
    path: '/v1/admin/organisation',
    access: auditor,
    summary: 'The settings of the organisation.',
    reply: OrganisationSettings,
  }),
  changeOrganisation: route({
    method: 'PATCH',
    path: '/v1/admin/organisation',
    access: admin,
    summary: 'Changes the name of the organisation, or what every prompt of its people begins with.',
    body: Type.Object(
      {
        name: Type.Optional(PersonName),
        systemPrompt: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 100_000, pattern: '^[^\\u0000]*$' }), Type.Null()])),
      },
      { additionalProperties: false },
    ),
    reply: OrganisationSettings,
  }),
  signOutPerson: route({
    method: 'DELETE',
    path: '/v1/users/{user}/sessions',
    access: admin,
    summary: 'Signs a person of the organisation out everywhere.',
    params: Type.Object({ user: Id }),
  }),
  modelServers: route({
    method: 'GET',
    path: '/v1/admin/model-servers',
    access: auditor,
    summary: 'The model servers, as this server of the cloud sees them.',
    reply: Type.Object({
      servers: Type.Array(
        Type.Object({
          /** Host and port. */
          server: Type.String(),
          up: Type.Boolean(),
          models: Type.Array(Type.String()),
          /** Requests of this server of the cloud that are under way there. */
          inFlight: Type.Integer({ minimum: 0 }),
        }),
      ),
    }),
  }),
  apiKeys: route({
    method: 'GET',
    path: '/v1/admin/api-keys',
    access: auditor,
    summary: 'The good API keys of everybody in the organisation, the newest first, at most 200 at a time.',
    query: Type.Object({
      /** Go on after this one: the last of the page before. */
      after: Type.Optional(Id),
    }),
    reply: Type.Object({ keys: Type.Array(OrganisationApiKey), more: Type.Boolean() }),
  }),
  revokeApiKey: route({
    method: 'DELETE',
    path: '/v1/admin/api-keys/{key}',
    access: admin,
    summary: 'Ends an API key of anybody in the organisation.',
    params: Type.Object({ key: Id }),
  }),
}
