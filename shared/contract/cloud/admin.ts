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

/** Tokens a month, read and written; null: as many as they like. */
const Budget = Type.Union([Type.Integer({ minimum: 0, maximum: 1_000_000_000_000_000 }), Type.Null()])

const ModelNames = Type.Array(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\x00-\\x1f\\x7f]+$' }), { maxItems: 1000 })

const Policy = Type.Object(
  {
    /** Which models its people may ask; null: every one of this cloud. */
    models: Type.Union([ModelNames, Type.Null()]),
    /** The cloud makes no prompt from history: what people wrote goes to models from their devices alone. */
    maskingRequired: Type.Boolean(),
    /** Of all together, and of each person who has none of their own. */
    budgets: Type.Object({ organisation: Budget, eachPerson: Budget }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)

/** One budget: whose it is, and what is allowed; a limit that is null does not hold, and a budget without limits is none. */
const BudgetEntry = Type.Object(
  {
    whose: Type.Union([
      Type.Literal('organisation'),
      Type.Literal('each-person'),
      Type.Literal('person'),
      Type.Literal('each-key'),
      Type.Literal('key'),
      Type.Literal('model'),
    ]),
    /** The id of the person or key, or the name of the model; null for the others. */
    of: Type.Union([Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\x00-\\x1f\\x7f]+$' }), Type.Null()]),
    /** Read and written. */
    tokensAMinute: Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000_000_000_000 }), Type.Null()]),
    tokensAMonth: Budget,
    /** In millionths of the currency of the operator's prices. */
    moneyAMonth: Budget,
  },
  { additionalProperties: false },
)
const BudgetEntries = Type.Object({ budgets: Type.Array(BudgetEntry) })

const Routing = Type.Object(
  {
    /** The most that a million tokens may cost, read or written, in the currency of the operator's prices; null: any price. */
    dearest: Type.Union([Type.Number({ minimum: 0, maximum: 1_000_000 }), Type.Null()]),
    /** Chosen before others that suit as well: the first is liked best. */
    preferred: ModelNames,
  },
  { additionalProperties: false },
)

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
  policy: route({
    method: 'GET',
    path: '/v1/admin/policy',
    access: auditor,
    summary: 'What the organisation allows its people, and how much.',
    reply: Policy,
  }),
  setPolicy: route({
    method: 'PUT',
    path: '/v1/admin/policy',
    access: admin,
    summary: 'Says what the organisation allows its people, and how much, as a whole.',
    body: Policy,
    reply: Policy,
  }),
  routing: route({
    method: 'GET',
    path: '/v1/admin/routing',
    access: auditor,
    summary: 'What the organisation says of models that are chosen for it, where `auto` is asked for.',
    reply: Routing,
  }),
  setRouting: route({
    method: 'PUT',
    path: '/v1/admin/routing',
    access: admin,
    summary: 'Says it, as a whole.',
    body: Routing,
    reply: Routing,
  }),
  forgetAnswers: route({
    method: 'DELETE',
    path: '/v1/admin/cached-answers',
    access: admin,
    summary: 'Forgets all answers that are kept for requests of the organisation.',
    reply: Type.Object({ forgotten: Type.Integer({ minimum: 0 }) }),
  }),
  budgets: route({
    method: 'GET',
    path: '/v1/admin/budgets',
    access: auditor,
    summary: 'What the organisation lets be used: by all, by each, by some, and of which models.',
    reply: BudgetEntries,
  }),
  putBudget: route({
    method: 'PUT',
    path: '/v1/admin/budgets',
    access: admin,
    summary: 'Sets one of these budgets, as a whole.',
    body: BudgetEntry,
    reply: BudgetEntries,
  }),
  setBudget: route({
    method: 'PUT',
    path: '/v1/users/{user}/budget',
    access: admin,
    summary: 'Gives a person of the organisation a budget of their own, or (null) takes it away.',
    params: Type.Object({ user: Id }),
    body: Type.Object({ tokens: Budget }, { additionalProperties: false }),
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
