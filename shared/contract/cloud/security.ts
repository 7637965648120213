// What programs of a person come in with, and what happened in an organisation.
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { route, scopes } from './route.ts'

const Scope = Type.Union([Type.Literal(scopes[0]), Type.Literal(scopes[1])])
/** Milliseconds since 1970; up to the year 9999. */
const Time = Type.Integer({ minimum: 0, maximum: 253_402_300_799_999 })
const OrNull = <T extends typeof Time | typeof Id>(schema: T) => Type.Union([schema, Type.Null()])

/** An API key, without its secret. */
export const ApiKeyEntry = Type.Object({
  id: Id,
  name: Type.String(),
  /** What it begins with, to tell it from others. */
  begins: Type.String(),
  scopes: Type.Array(Scope),
  createdAt: Time,
  expiresAt: OrNull(Time),
  /** To the minute. */
  lastUsedAt: OrNull(Time),
  /** The key that it took the place of. */
  replaces: OrNull(Id),
})
export type ApiKeyEntry = Static<typeof ApiKeyEntry>

const NewApiKeyRequest = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000]*\\S[^\\u0000]*$' }),
    scopes: Type.Array(Scope, { minItems: 1, maxItems: scopes.length, uniqueItems: true }),
    /** Null: until it is revoked. */
    expiresAt: OrNull(Time),
  },
  { additionalProperties: false },
)

/** `secret` is shown this once: only its hash is kept. */
const MadeApiKey = Type.Object({ key: ApiKeyEntry, secret: Type.String() })
const ByKey = Type.Object({ key: Id })

/** How long a key may live on after another took its place. */
export const MAX_KEEP_MS = 30 * 24 * 3_600_000

export const apiKeyRoutes = {
  apiKeys: route({
    method: 'GET',
    path: '/v1/account/api-keys',
    access: { who: 'session' },
    summary: 'The API keys of this person that are good, the newest first.',
    reply: Type.Object({ keys: Type.Array(ApiKeyEntry) }),
  }),
  makeApiKey: route({
    method: 'POST',
    path: '/v1/account/api-keys',
    access: { who: 'session' },
    summary: 'Makes an API key and shows its secret, this once.',
    body: NewApiKeyRequest,
    reply: MadeApiKey,
  }),
  rotateApiKey: route({
    method: 'POST',
    path: '/v1/account/api-keys/{key}/rotate',
    access: { who: 'session' },
    summary: 'Makes a key in the place of another, which stays good for a chosen time.',
    params: ByKey,
    body: Type.Object({ keepMs: Type.Integer({ minimum: 0, maximum: MAX_KEEP_MS }) }, { additionalProperties: false }),
    reply: MadeApiKey,
  }),
  revokeApiKey: route({
    method: 'DELETE',
    path: '/v1/account/api-keys/{key}',
    access: { who: 'session' },
    summary: 'Ends an API key, at once.',
    params: ByKey,
  }),
}

/** What is written down. Each has ids and addresses in it, never what people wrote. */
export const auditEvents = [
  'sign-in',
  'sign-in-failure',
  'sign-out',
  'sign-out-everywhere',
  'refresh-reuse',
  'password-change',
  'identity-link',
  'api-key-make',
  'api-key-rotate',
  'api-key-revoke',
  'user-join',
  'user-invite',
  'invitation-withdraw',
  'role-change',
  'user-disable',
  'user-enable',
  'account-purge',
  'organisation-change',
  'policy-change',
  'routing-change',
  'budget-change',
  'answers-forget',
] as const
export type AuditEventName = (typeof auditEvents)[number]

export const AuditEntry = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  at: Time,
  event: Type.String(),
  /** Who did it, and to what: ids of people, keys, invitations. */
  actor: OrNull(Id),
  subject: OrNull(Id),
  /** Network address of whoever did it. */
  address: Type.Union([Type.String(), Type.Null()]),
  detail: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
})
export type AuditEntry = Static<typeof AuditEntry>

export const auditRoutes = {
  audit: route({
    method: 'GET',
    path: '/v1/admin/audit',
    access: { who: 'role', role: 'auditor' },
    summary: 'What happened in this organisation that matters for security, the newest first.',
    query: Type.Object({
      before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
      /** 50 where it is not said. */
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    }),
    reply: Type.Object({ events: Type.Array(AuditEntry), next: Type.Union([Type.Integer(), Type.Null()]) }),
  }),
  verifyAudit: route({
    method: 'GET',
    path: '/v1/admin/audit/verification',
    access: { who: 'role', role: 'auditor' },
    summary: 'Whether the audit log is whole: the first link that is broken, if one is. With `of=archive`, its copies among the files.',
    query: Type.Object({ of: Type.Optional(Type.Literal('archive')) }, { additionalProperties: false }),
    reply: Type.Object({
      events: Type.Integer({ minimum: 0 }),
      broken: Type.Union([
        Type.Object({ seq: Type.Integer(), why: Type.Union([Type.Literal('missing'), Type.Literal('changed'), Type.Literal('unknown')]) }),
        Type.Null(),
      ]),
      /** The newest link. Kept elsewhere, it later shows whether the end of the log was cut off. */
      head: Type.Union([Type.Object({ seq: Type.Integer(), hash: Type.String() }), Type.Null()]),
      /** Up to which link there are copies. */
      archived: Type.Integer({ minimum: 0 }),
    }),
  }),
}

/** Signing in with an account elsewhere, at the OpenID provider that this cloud was told of. */
export const providerRoutes = {
  begin: route({
    method: 'GET',
    path: '/oauth/provider',
    access: { who: 'anybody' },
    summary: 'Sends a person from the sign-in page on to the OpenID provider.',
    query: Type.Object({ purpose: Type.String({ maxLength: 4000 }) }),
    replyType: 'text/html',
    statuses: [303],
  }),
  finish: route({
    method: 'GET',
    path: '/oauth/provider/callback',
    access: { who: 'anybody' },
    summary: 'Where the OpenID provider sends a person back to.',
    query: Type.Object({
      state: Type.Optional(Type.String({ maxLength: 500 })),
      code: Type.Optional(Type.String({ maxLength: 4000 })),
      error: Type.Optional(Type.String({ maxLength: 500 })),
    }),
    replyType: 'text/html',
    statuses: [303],
  }),
}
