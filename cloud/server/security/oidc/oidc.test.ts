import { createHash, randomBytes } from 'node:crypto'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../../database/free-port.ts'
import { findUser, findUserByEmail } from '../../../database/users.ts'
import { createPasswords } from '../../auth/password.ts'
import { startBrowser, type Browser } from '../../testing/browser.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../../testing/openid-provider.ts'
import { startTestCloud, type TestCloud } from '../../testing/test-cloud.ts'

const REDIRECT = 'http://127.0.0.1:50123/callback'
let cloud: TestCloud
let provider: OpenIdProvider
let now: number

async function start(admit?: string): Promise<void> {
  now = Date.now()
  const port = await freePort()
  provider = await startOpenIdProvider(`http://127.0.0.1:${port}/oauth/provider/callback`)
  const env = {
    FUSION_CLOUD_PORT: String(port),
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    OIDC_CLIENT_SECRET: provider.clientSecret,
    OIDC_NAME: 'Example Login',
    OIDC_ADMIT: admit,
  }
  cloud = await startTestCloud({ env, clock: () => now })
}
beforeEach(() => start())
afterEach(async () => {
  await cloud.close()
  await provider.close()
})

const restart = async (admit: string) => {
  await cloud.close()
  await provider.close()
  await start(admit)
}

interface UnderWay {
  browser: Browser
  /** Where the cloud sends the browser: the provider. */
  away: URL
  /** What it shows where it sends it nowhere. */
  shown: string
  verifier: string
}

/** Opens the sign-in page as an app has it opened, and presses the provider's button. */
async function begin(): Promise<UnderWay> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientIds.desktop,
    redirect_uri: REDIRECT,
    state: 'a state of the app',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const browser = startBrowser(cloud.url)
  const page = await browser.open(`/oauth/authorize?${query.toString()}`)
  const [, href = ''] = /<a class="button" href="([^"]+)">Continue with Example Login<\/a>/.exec(page.text) ?? []
  const { location, text } = await browser.open(href.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))))
  return { browser, away: location!, shown: text, verifier }
}

/** What a person does at the provider: the address that they are sent back to. */
async function atProvider(away: URL): Promise<string> {
  const browser = startBrowser(provider.issuer)
  let at = away
  for (;;) {
    const { location, text } = await browser.open(at.href)
    if (!location) throw new Error(`the provider shows a page: ${text}`)
    at = location
    if (at.origin === cloud.url) return `${at.pathname}${at.search}`
  }
}

async function signIn() {
  const { browser, away, verifier } = await begin()
  const shown = await browser.openFromElsewhere(await atProvider(away))
  return { ...shown, verifier }
}

async function tokenOf({ location, verifier }: { location: URL | null; verifier: string }): Promise<string> {
  const response = await fetch(`${cloud.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientIds.desktop,
      redirect_uri: REDIRECT,
      code: location!.searchParams.get('code')!,
      code_verifier: verifier,
    }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

const callerOf = async (done: { location: URL | null; verifier: string }) => cloud.parts.identity.callerOf(await tokenOf(done))

const events = () => cloud.database.query('select event, detail from audit_events order by organisation_id, seq')

test('whoever was invited signs in at the provider, and the app gets tokens of a new account', async () => {
  const admin = await cloud.makeUser({ role: 'admin' })
  await cloud.parts.identity.invitations.invite({
    organisationId: cloud.organisation.id,
    role: 'auditor',
    email: 'Ada@example.org',
    invitedBy: admin.id,
  })
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true, name: 'Ada\u0007 Lovelace' })
  const done = await signIn()
  expect(done.location!.href.replace(/code=[^&]+/, 'code=…')).toBe(
    `${REDIRECT}?code=…&state=a+state+of+the+app&iss=${encodeURIComponent(cloud.url)}`,
  )
  expect(await callerOf(done)).toMatchObject({ organisationId: cloud.organisation.id, role: 'auditor' })
  expect(await findUserByEmail(cloud.database, 'ada@example.org')).toMatchObject({ name: 'Ada Lovelace', passwordHash: null })
  expect(await events()).toEqual([
    { event: 'user-join', detail: { role: 'auditor', by: 'invitation' } },
    { event: 'sign-in', detail: { by: 'provider' } },
  ])
})

test('the same person again is the same account, also with another address at the provider', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const first = await callerOf(await signIn())
  provider.signInAs('ada', { email: 'lovelace@example.org', email_verified: false })
  expect((await callerOf(await signIn()))!.userId).toBe(first!.userId)
})

test('another person with the address that somebody had before does not get their account', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const first = await callerOf(await signIn())
  provider.signInAs('ada', { email: 'elsewhere@example.org', email_verified: true })
  await signIn()
  provider.signInAs('impostor', { email: 'ada@example.org', email_verified: false })
  expect((await signIn()).status).toBe(403)
  expect(first).not.toBeNull()
})

test('an account with this address is linked, and what its maker could come in with ends', async () => {
  const user = await cloud.makeUser({ email: 'ada@example.org', passwordHash: await createPasswords().hash('a long and quiet sentence') })
  const before = await cloud.signIn('ada@example.org')
  const actor = { userId: user.id, organisationId: user.organisationId, address: '127.0.0.1' }
  const { text } = await cloud.parts.apiKeys.make(actor, { name: 'A script', scopes: ['history'], expiresAt: null })
  expect([await cloud.parts.identity.callerOf(before), await cloud.parts.apiKeys.authenticate(text)]).not.toContain(null)

  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  expect((await callerOf(await signIn()))!.userId).toBe(user.id)
  expect([await cloud.parts.identity.callerOf(before), await cloud.parts.apiKeys.authenticate(text)]).toEqual([null, null])
  expect((await findUserByEmail(cloud.database, 'ada@example.org'))!.passwordHash).toBeNull()
  expect(await events()).toContainEqual({ event: 'identity-link', detail: { sessionsEnded: 1, keysEnded: 1 } })
})

test('an address that the provider does not vouch for is linked to nobody', async () => {
  await cloud.makeUser({ email: 'ada@example.org' })
  for (const account of [{ email: 'ada@example.org', email_verified: false }, { email: 'ada@example.org' }, {}]) {
    provider.signInAs(`impostor of ${JSON.stringify(account)}`, account)
    const { status, text } = await signIn()
    expect([status, text]).toEqual([403, expect.stringContaining('Example Login does not vouch for your e-mail address.')])
  }
  expect(await cloud.database.query('select * from identities')).toEqual([])
})

test('whoever was not invited is refused, and it is written down without their address', async () => {
  provider.signInAs('stranger', { email: 'stranger@example.org', email_verified: true })
  const { status, text } = await signIn()
  expect([status, text]).toEqual([403, expect.stringContaining('You have no account at this cloud.')])
  expect(await events()).toEqual([{ event: 'sign-in-failure', detail: { by: 'provider', why: 'not-admitted' } }])
})

test('people of the named domains come in as members, and nobody whose domain only looks like one', async () => {
  await restart('example.org,example.com')
  provider.signInAs('one', { email: 'one@Example.COM', email_verified: true })
  expect(await callerOf(await signIn())).toMatchObject({ role: 'member', organisationId: cloud.organisation.id })
  for (const email of ['two@sub.example.com', 'three@notexample.com', 'example.com@elsewhere.net', 'four@example.com.elsewhere.net']) {
    provider.signInAs(email, { email, email_verified: true })
    expect((await signIn()).status).toBe(403)
  }
})

test('an account that was closed stays closed', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const { userId } = (await callerOf(await signIn()))!
  await cloud.database.query('update users set disabled_at = now() where id = $1', [userId])
  expect((await signIn()).text).toContain('Your account is closed.')
  expect(await findUser(cloud.database, userId)).toMatchObject({ disabledAt: expect.any(Date) })
})

test('the way back with another state is refused', async () => {
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const { browser, away } = await begin()
  const back = new URL(await atProvider(away), cloud.url)
  back.searchParams.set('state', randomBytes(32).toString('base64url'))
  expect((await browser.open(back.pathname + back.search)).status).toBe(403)
})

test('the way back in another browser is refused, and still open in the one that began it', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const [mine, theirs] = [await begin(), await begin()]
  const back = await atProvider(mine.away)
  expect((await theirs.browser.open(back)).status).toBe(403)
  expect((await startBrowser(cloud.url).open(back)).status).toBe(403)
  expect((await mine.browser.open(back)).status).toBe(303)
})

test('the way back works once, and not after ten minutes', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const first = await begin()
  const back = await atProvider(first.away)
  expect((await first.browser.open(back)).status).toBe(303)
  expect((await first.browser.open(back)).status).toBe(403)
  const late = await begin()
  const lateBack = await atProvider(late.away)
  now += 600_000
  expect((await late.browser.open(lateBack)).status).toBe(403)
})

test('a code of another sign-in is refused by the provider, and its words are shown to nobody', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const [victim, thief] = [await begin(), await begin()]
  const stolen = new URL(await atProvider(victim.away), cloud.url)
  const own = new URL(await atProvider(thief.away), cloud.url)
  own.searchParams.set('code', stolen.searchParams.get('code')!)
  const { status, text } = await thief.browser.open(own.pathname + own.search)
  expect([status, text]).toEqual([403, expect.stringContaining('Example Login did not sign you in.')])
  expect(text).not.toContain('invalid_grant')
})

test('an ID token with another nonce is refused', async () => {
  await restart('anyone')
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const { browser, away } = await begin()
  away.searchParams.set('nonce', 'another one')
  expect((await browser.open(await atProvider(away))).status).toBe(403)
  expect(await findUserByEmail(cloud.database, 'ada@example.org')).toBeUndefined()
})

test('whoever says no at the provider is told so', async () => {
  const { browser, away } = await begin()
  const back = `/oauth/provider/callback?${new URLSearchParams({
    error: 'access_denied',
    error_description: '<b>no</b>',
    state: away.searchParams.get('state')!,
    iss: provider.issuer,
  }).toString()}`
  const { status, text } = await browser.open(back)
  expect([status, text]).toEqual([403, expect.stringContaining('Example Login did not sign you in.')])
  expect(text).not.toContain('<b>no</b>')
})

test('a person whose provider is gone in the middle of it reads so', async () => {
  provider.signInAs('ada', { email: 'ada@example.org', email_verified: true })
  const { browser, away } = await begin()
  const back = await atProvider(away)
  await provider.close()
  const { status, text } = await browser.open(back)
  expect([status, text]).toEqual([503, expect.stringContaining('Example Login could not be reached.')])
})

test('the cloud starts while the provider is gone, and says so to whoever wants to sign in there', async () => {
  await cloud.close()
  await provider.close()
  cloud = await startTestCloud({ env: { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: 'a-cloud', OIDC_NAME: 'Example Login' } })
  expect((await begin()).shown).toContain('Example Login could not be reached.')
})

test('a page of another site can not begin a sign-in in somebody’s browser', async () => {
  const { browser } = await begin()
  const path = '/oauth/provider?purpose=user_code%3DABCD-EFGH'
  expect((await browser.openFromElsewhere(path)).status).toBe(403)
  expect((await startBrowser(cloud.url).open(path)).status).toBe(403)
})

test('without a provider in the settings its routes lead nowhere', async () => {
  await cloud.close()
  cloud = await startTestCloud()
  const browser = startBrowser(cloud.url)
  for (const path of ['/oauth/provider?purpose=x', '/oauth/provider/callback?state=x&code=y']) {
    const { status, location } = await browser.open(path)
    expect([status, location]).toEqual([400, null])
  }
})

test.each([
  [{ OIDC_ISSUER: 'https://login.example.org' }, 'OIDC_CLIENT_ID must be set'],
  [{ OIDC_ISSUER: 'http://login.example.org', OIDC_CLIENT_ID: 'x' }, 'OIDC_ISSUER must be'],
  [{ OIDC_ADMIT: 'example' }, 'OIDC_ADMIT must be'],
])('a wrong setting is named: %o', async (env, words) => {
  await expect(startTestCloud({ env })).rejects.toThrow(words)
})
