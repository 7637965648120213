import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
let now = Date.parse('2026-11-25T12:00:00Z')
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
})
afterAll(() => cloud.close())

const accountStatus = async (token: string) =>
  (await fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${token}` } })).status

const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString('utf8')) as Record<string, unknown>

test('an access token names who calls', async () => {
  const user = await cloud.makeUser({ email: 'ada@example.org' })
  const token = await cloud.signIn('ADA@example.org')
  expect(await cloud.parts.identity.callerOf(token)).toEqual({
    userId: user.id,
    organisationId: cloud.organisation.id,
    role: 'member',
    sessionId: expect.any(String),
    apiKeyId: null,
    scopes: [],
  })
})

test('an access token says who it is of, for whom, and until when, signed with a key that is published', async () => {
  const token = await cloud.signIn()
  const published = (await (await fetch(`${cloud.url}/.well-known/jwks.json`)).json()) as { keys: JWK[] }
  expect(part(token, 0)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: published.keys[0]!.kid })
  expect(part(token, 1)).toEqual({
    iss: cloud.url,
    aud: 'fusion-cloud',
    sub: expect.any(String),
    sid: expect.any(String),
    org: cloud.organisation.id,
    role: 'admin',
    jti: expect.any(String),
    iat: now / 1000,
    exp: now / 1000 + 600,
  })
  expect(published.keys).toEqual([{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' }])
})

test('no token that this cloud did not sign for its own API, now, lets anybody in', async () => {
  const good = await cloud.signIn()
  const [header, claims] = [part(good, 0) as { alg: string; kid: string }, part(good, 1)]
  const signer = await cloud.parts.identity.keys.signer()
  const sign = (
    changed: Record<string, unknown>,
    { key = signer.privateKey, ...changedHeader }: { key?: CryptoKey; typ?: string; kid?: string } = {},
  ) => new SignJWT({ ...claims, ...changed }).setProtectedHeader({ ...header, ...changedHeader }).sign(key)

  const stranger = (await generateKeyPair('EdDSA')).privateKey
  const [jwk] = (await cloud.parts.identity.keys.published()).keys
  const publicKey = (await importJWK({ ...jwk!, ext: true }, 'EdDSA', { extractable: true })) as CryptoKey
  const hmac = (secret: string) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(new TextEncoder().encode(secret))
  const [head, body, signature] = good.split('.') as [string, string, string]
  const raised = Buffer.from(JSON.stringify({ ...claims, role: 'admin', sub: '01999999-9999-7999-8999-999999999999' })).toString(
    'base64url',
  )

  const forged: Record<string, string> = {
    'alg none': new UnsecuredJWT(claims).encode(),
    'alg none with a signature': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.${signature}`,
    'HS256 with the public key as PEM': await hmac(await exportSPKI(publicKey)),
    'HS256 with the public key as x': await hmac(jwk!.x!),
    'another key under our id': await sign({}, { key: stranger }),
    'a key that is not known': await sign({}, { key: stranger, kid: 'another' }),
    'no key named': await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' }).sign(stranger),
    'other claims under the same signature': `${head}.${raised}.${signature}`,
    'no signature': `${head}.${body}.`,
    'another audience': await sign({ aud: 'another-api' }),
    'no audience': await sign({ aud: undefined }),
    'another issuer': await sign({ iss: 'https://evil.example' }),
    expired: await sign({ exp: now / 1000 }),
    'without an end': await sign({ exp: undefined }),
    'not yet begun': await sign({ nbf: now / 1000 + 60 }),
    'another kind of JWT': await sign({}, { typ: 'JWT' }),
    'the session of somebody else': await sign({ sub: '01999999-9999-7999-8999-999999999999' }),
    'a session that is not there': await sign({ sid: '01999999-9999-7999-8999-999999999999' }),
    'a session that is none': await sign({ sid: 'x' }),
    nonsense: 'a.b.c',
  }
  const statuses = await Promise.all(Object.entries(forged).map(async ([name, token]) => [name, await accountStatus(token)]))
  expect(statuses).toEqual(Object.keys(forged).map(name => [name, 401]))
  // What was changed above is what made the difference.
  expect(await accountStatus(await sign({}))).toBe(200)
})

test('a token is good for ten minutes', async () => {
  const token = await cloud.signIn()
  now += 599_000
  expect(await accountStatus(token)).toBe(200)
  now += 1_000
  expect(await accountStatus(token)).toBe(401)
})
