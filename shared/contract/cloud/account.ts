// Who signs in, and how a device gets its tokens: OAuth 2.1 with PKCE (RFC 7636, loopback redirect by RFC 8252), device code (RFC 8628).
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { route } from './route.ts'

export const Role = Type.Union([Type.Literal('member'), Type.Literal('admin'), Type.Literal('auditor')])
export type Role = Static<typeof Role>

/** Public clients that come with Fusion. `desktop` may be sent back to any port of 127.0.0.1 under /callback. */
export const clientIds = { desktop: 'fusion-desktop', dashboard: 'fusion-dashboard' } as const

/** What a token endpoint answers (RFC 6749, section 5.1). */
export const TokenReply = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  /** Seconds. */
  expires_in: Type.Integer({ minimum: 1 }),
  refresh_token: Type.String(),
})
export type TokenReply = Static<typeof TokenReply>

/** What goes wrong at a token endpoint (RFC 6749, section 5.2; RFC 8628, section 3.5). */
export const TokenError = Type.Object({ error: Type.String(), error_description: Type.Optional(Type.String()) })
export type TokenError = Static<typeof TokenError>

/** As RFC 8628, section 3.2. */
export const DeviceReply = Type.Object({
  device_code: Type.String(),
  user_code: Type.String(),
  verification_uri: Type.String(),
  verification_uri_complete: Type.String(),
  expires_in: Type.Integer({ minimum: 1 }),
  interval: Type.Integer({ minimum: 1 }),
})
export type DeviceReply = Static<typeof DeviceReply>

const grant = <const Name extends string>(name: Name) => Type.Literal(name)

export const TokenRequest = Type.Union([
  Type.Object({
    grant_type: grant('authorization_code'),
    client_id: Type.String({ maxLength: 100 }),
    code: Type.String({ maxLength: 500 }),
    redirect_uri: Type.String({ maxLength: 2000 }),
    code_verifier: Type.String({ minLength: 43, maxLength: 128 }),
  }),
  Type.Object({
    grant_type: grant('refresh_token'),
    client_id: Type.String({ maxLength: 100 }),
    refresh_token: Type.String({ maxLength: 500 }),
  }),
  Type.Object({
    grant_type: grant('urn:ietf:params:oauth:grant-type:device_code'),
    client_id: Type.String({ maxLength: 100 }),
    device_code: Type.String({ maxLength: 500 }),
  }),
])
export type TokenRequest = Static<typeof TokenRequest>

export const Account = Type.Object({
  user: Type.Object({ id: Id, email: Type.String(), name: Type.String(), role: Role }),
  organisation: Type.Object({ id: Id, name: Type.String() }),
  /** The session of the token that asks; null for an API key. */
  session: Type.Union([Id, Type.Null()]),
})
export type Account = Static<typeof Account>

/** A device that is signed in. Times are ms since 1970. */
export const SessionEntry = Type.Object({
  id: Id,
  client: Type.String(),
  device: Type.String(),
  createdAt: Type.Integer(),
  lastUsedAt: Type.Integer(),
  /** It is the one that asks. */
  current: Type.Boolean(),
})
export type SessionEntry = Static<typeof SessionEntry>

export const accountRoutes = {
  /** Form-encoded, as the RFCs have it. */
  token: route({
    method: 'POST',
    path: '/oauth/token',
    access: { who: 'anybody' },
    summary: 'Gives tokens for an authorization code, a refresh token or a device code.',
    body: TokenRequest,
    reply: TokenReply,
  }),
  device: route({
    method: 'POST',
    path: '/oauth/device',
    access: { who: 'anybody' },
    summary: 'Begins the sign-in of a device without a browser: shows a code that a person confirms elsewhere.',
    body: Type.Object({ client_id: Type.String({ maxLength: 100 }), device_name: Type.Optional(Type.String({ maxLength: 100 })) }),
    reply: DeviceReply,
  }),
  /** RFC 7009: ends the session of this refresh token. */
  revoke: route({
    method: 'POST',
    path: '/oauth/revoke',
    access: { who: 'anybody' },
    summary: 'Ends the session that a refresh token belongs to.',
    body: Type.Object({ token: Type.String({ maxLength: 500 }), client_id: Type.Optional(Type.String({ maxLength: 100 })) }),
    reply: Type.Object({}),
  }),
  account: route({
    method: 'GET',
    path: '/v1/account',
    access: { who: 'session' },
    summary: 'Who is signed in.',
    reply: Account,
  }),
  sessions: route({
    method: 'GET',
    path: '/v1/account/sessions',
    access: { who: 'session' },
    summary: 'The devices on which this person is signed in, the one used last first.',
    reply: Type.Object({ sessions: Type.Array(SessionEntry) }),
  }),
  endSession: route({
    method: 'DELETE',
    path: '/v1/account/sessions/{session}',
    access: { who: 'session' },
    summary: 'Signs one device out.',
    params: Type.Object({ session: Id }),
  }),
  endSessions: route({
    method: 'DELETE',
    path: '/v1/account/sessions',
    access: { who: 'session' },
    summary: 'Signs this person out everywhere, on this device too.',
  }),
}

/** Where a person signs in (a page): `?client_id&redirect_uri&state&code_challenge&code_challenge_method=S256&device_name`. */
export const AUTHORIZE_PATH = '/oauth/authorize'
