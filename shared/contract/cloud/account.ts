// Who signs in, and how a device gets its tokens: OAuth 2.1 with PKCE (RFC 7636, loopback redirect by RFC 8252), device code (RFC 8628).
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { route } from './route.ts'

export const Role = Type.Union([Type.Literal('member'), Type.Literal('admin'), Type.Literal('auditor')])
export type Role = Static<typeof Role>

/** What a person is called: something to read, and nothing that steers a terminal. */
export const PersonName = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\x00-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$',
})

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
  /** Form-encoded, as the RFCs have it, or JSON. */
  token: route({
    method: 'POST',
    path: '/oauth/token',
    access: { who: 'anybody' },
    summary: 'Gives tokens for an authorization code, a refresh token or a device code.',
    bodyType: 'application/x-www-form-urlencoded',
    alsoJson: true,
    error: TokenError,
    body: TokenRequest,
    reply: TokenReply,
  }),
  device: route({
    method: 'POST',
    path: '/oauth/device',
    access: { who: 'anybody' },
    summary: 'Begins the sign-in of a device without a browser: shows a code that a person confirms elsewhere.',
    bodyType: 'application/x-www-form-urlencoded',
    alsoJson: true,
    error: TokenError,
    body: Type.Object({ client_id: Type.String({ maxLength: 100 }), device_name: Type.Optional(Type.String({ maxLength: 100 })) }),
    reply: DeviceReply,
  }),
  /** RFC 7009: ends the session of this refresh token. */
  revoke: route({
    method: 'POST',
    path: '/oauth/revoke',
    access: { who: 'anybody' },
    summary: 'Ends the session that a refresh token belongs to.',
    bodyType: 'application/x-www-form-urlencoded',
    alsoJson: true,
    error: TokenError,
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
  changeAccount: route({
    method: 'PATCH',
    path: '/v1/account',
    access: { who: 'session' },
    summary: 'Changes the name or the password. A new password signs all other devices out.',
    body: Type.Object(
      {
        name: Type.Optional(PersonName),
        password: Type.Optional(
          Type.Object(
            { current: Type.String({ maxLength: 1000 }), next: Type.String({ maxLength: 1000 }) },
            { additionalProperties: false },
          ),
        ),
      },
      { additionalProperties: false },
    ),
    reply: Account,
  }),
  purgeAccount: route({
    method: 'POST',
    path: '/v1/account/purge',
    access: { who: 'session' },
    summary: 'Deletes the account of this person for good, with all that they wrote and attached.',
    body: Type.Object(
      {
        /** Of the account, as a sign that it is meant. */
        email: Type.String({ maxLength: 320 }),
        /** Where the account has one; where it has none, the sign-in of this device may be ten minutes old at most. */
        password: Type.Optional(Type.String({ maxLength: 1000 })),
      },
      { additionalProperties: false },
    ),
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

const Text = (maxLength: number) => Type.String({ maxLength })
const Field = (maxLength: number) => Type.Optional(Text(maxLength))

/** Where a person signs in: the page that an app opens in the browser. */
export const AUTHORIZE_PATH = '/oauth/authorize'
/** Of the cloud's own address: where the dashboard is sent back to. */
export const DASHBOARD_CALLBACK_PATH = '/admin/callback'

/** For people in a browser: a page comes back, or they are sent on. */
const page = { replyType: 'text/html', statuses: [200, 303] } as const
const form = 'application/x-www-form-urlencoded'

/** Pages for people, made by the server, and what programs have to know of them. */
export const signInRoutes = {
  authorize: route({
    method: 'GET',
    path: AUTHORIZE_PATH,
    access: { who: 'anybody' },
    summary: 'The page where a person signs in for an app, which is then sent a code (OAuth 2.1, PKCE with S256).',
    query: Type.Object({
      response_type: Field(100),
      client_id: Field(100),
      redirect_uri: Field(2000),
      state: Field(500),
      code_challenge: Field(128),
      code_challenge_method: Field(20),
      /** What the device is called in the list of sessions. */
      device_name: Field(100),
    }),
    ...page,
  }),
  signIn: route({
    method: 'POST',
    path: '/oauth/sign-in',
    access: { who: 'anybody' },
    summary: 'Takes the form of the sign-in page.',
    bodyType: form,
    body: Type.Object({ purpose: Text(4000), form: Field(100), email: Text(320), password: Text(1000) }),
    ...page,
  }),
  devicePage: route({
    method: 'GET',
    path: '/oauth/device',
    access: { who: 'anybody' },
    summary: 'The page where a person confirms a device by its code.',
    query: Type.Object({ user_code: Field(40), done: Field(10) }),
    ...page,
  }),
  refuseDevice: route({
    method: 'POST',
    path: '/oauth/device/refuse',
    access: { who: 'anybody' },
    summary: 'Takes the refusal of a device.',
    bodyType: form,
    body: Type.Object({ user_code: Text(40), form: Field(100) }),
    ...page,
  }),
  welcome: route({
    method: 'GET',
    path: '/welcome',
    access: { who: 'anybody' },
    summary: 'The page where somebody who was invited makes an account.',
    query: Type.Object({ code: Field(100) }),
    ...page,
  }),
  join: route({
    method: 'POST',
    path: '/welcome',
    access: { who: 'anybody' },
    summary: 'Takes the form of the welcome page.',
    bodyType: form,
    body: Type.Object({
      code: Text(100),
      form: Field(100),
      organisation: Field(200),
      name: Text(200),
      email: Field(320),
      password: Text(1000),
    }),
    ...page,
  }),
  metadata: route({
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    access: { who: 'anybody' },
    summary: 'What this authorization server can do (RFC 8414).',
    reply: Type.Object({
      issuer: Type.String(),
      authorization_endpoint: Type.String(),
      token_endpoint: Type.String(),
      device_authorization_endpoint: Type.String(),
      revocation_endpoint: Type.String(),
      jwks_uri: Type.String(),
      response_types_supported: Type.Array(Type.String()),
      grant_types_supported: Type.Array(Type.String()),
      code_challenge_methods_supported: Type.Array(Type.String()),
      token_endpoint_auth_methods_supported: Type.Array(Type.String()),
      authorization_response_iss_parameter_supported: Type.Boolean(),
    }),
  }),
  keys: route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    access: { who: 'anybody' },
    summary: 'The keys that access tokens are signed with.',
    reply: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
  }),
}
