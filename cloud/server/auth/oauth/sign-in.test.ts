import { createHash, randomBytes } from 'node:crypto'
import { clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPasswords } from '../password.ts'
import { startBrowser } from '../../testing/browser.ts'
import { startTestCloud, type TestCloud } from '../../testing/test-cloud.ts'

const PASSWORD = 'a long and quiet sentence'
const REDIRECT = 'http://127.0.0.1:50123/callback'
let cloud: TestCloud
let now = Date.parse('2026-11-25T12:00:00Z')
let passwordHash: string

beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
  passwordHash = await createPasswords().hash(PASSWORD)
  await cloud.makeUser({ email: 'ada@example.org', passwordHash })
})
afterAll(() => cloud.close())

function request(changed: Record<string, string | null> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = {
    response_type: 'code',
    client_id: clientIds.desktop,
    redirect_uri: REDIRECT,
    state: 'a state of the app',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    device_name: 'Ada’s <b>laptop</b>',
    ...changed,
  }
  const query = new URLSearchParams(Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null))
  return { verifier, path: `/oauth/authorize?${query.toString()}` }
}

async function signInForCode(email = 'ada@example.org') {
  const { verifier, path } = request()
  const browser = startBrowser(cloud.url)
  const { location } = await browser.send(await browser.open(path), { email, password: PASSWORD })
  return { verifier, code: location!.searchParams.get('code')!, location: location! }
}

const post = (path: string, fields: Record<string, string>) =>
  fetch(`${cloud.url}${path}`, { method: 'POST', body: new URLSearchParams(fields) })

const redeem = ({ code, verifier, ...changed }: { code: string; verifier: string } & Record<string, string>) =>
  post('/oauth/token', {
    grant_type: 'authorization_code',
    client_id: clientIds.desktop,
    redirect_uri: REDIRECT,
    code,
    code_verifier: verifier,
    ...changed,
  })

const accountStatus = async (token: string) =>
  (await fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${token}` } })).status

test('a person signs in on the page, and the app gets tokens for the code that it is sent', async () => {
  const { code, verifier, location } = await signInForCode()
  expect(Object.fromEntries(location.searchParams)).toEqual({ code, state: 'a state of the app', iss: cloud.url })
  expect(location.href.startsWith(`${REDIRECT}?`)).toBe(true)

  const response = await redeem({ code, verifier })
  expect(response.headers.get('cache-control')).toBe('no-store')
  const tokens = (await response.json()) as TokenReply
  expect(tokens).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 600,
    refresh_token: expect.any(String),
  })
  expect(await accountStatus(tokens.access_token)).toBe(200)
})

test('the page escapes what the app says of itself, runs no script, and can lead only back to that app', async () => {
  const { text, headers } = await startBrowser(cloud.url).open(request().path)
  expect(text).not.toContain('<b>laptop')
  expect(text).not.toContain('<script')
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' http:\/\/127\.0\.0\.1:50123; frame-ancestors 'none'; base-uri 'none'$/,
  )
  expect(headers.get('cache-control')).toBe('no-store')
})

test('nobody is sent to an address that is not the one of a client of ours', async () => {
  const unfit = [
    'https://evil.example/callback',
    'http://127.0.0.1:50123/callback/../evil',
    'http://127.0.0.1:50123/callback?next=https://evil.example',
    'http://127.0.0.1:50123/callback#evil',
    'http://127.0.0.1:50123@evil.example/callback',
    'http://127.0.0.1:0/callback',
    'http://127.0.0.1:65536/callback',
    'http://127.0.0.1/callback',
    'http://127.0.0.1.evil.example:80/callback',
    'http://localhost:50123/callback',
    'https://127.0.0.1:50123/callback',
    'http://127.0.0.1:50123/callback\nx',
    `${cloud.url}/admin/callback`,
    'javascript:alert(1)',
    '',
  ]
  for (const redirect_uri of unfit) {
    const { status, location, text } = await startBrowser(cloud.url).open(request({ redirect_uri }).path)
    expect({ redirect_uri, status, location, form: text.includes('<form') }).toEqual({
      redirect_uri,
      status: 400,
      location: null,
      form: false,
    })
  }
  const unknown = await startBrowser(cloud.url).open(request({ client_id: '__proto__' }).path)
  expect(unknown).toMatchObject({ status: 400, location: null })
})

test('the dashboard is sent back to its own address and nowhere else', async () => {
  const browser = startBrowser(cloud.url)
  const dashboard = { client_id: clientIds.dashboard, redirect_uri: `${cloud.url}/admin/callback` }
  const page = await browser.open(request(dashboard).path)
  const { location } = await browser.send(page, { email: 'ada@example.org', password: PASSWORD })
  expect(location!.href.startsWith(`${cloud.url}/admin/callback?code=`)).toBe(true)
  expect((await browser.open(request({ ...dashboard, redirect_uri: REDIRECT }).path)).status).toBe(400)
})

test('an app that does not use PKCE with S256, or no state, is told so', async () => {
  for (const changed of [{ code_challenge: null }, { code_challenge_method: 'plain' }, { response_type: 'token' }, { state: null }]) {
    const { location } = await startBrowser(cloud.url).open(request(changed).path)
    expect(location!.searchParams.get('error')).toBe('invalid_request')
  }
})

test('what the form carries is judged anew, so that nobody can change on the way where the code goes', async () => {
  const browser = startBrowser(cloud.url)
  const page = await browser.open(request().path)
  const purpose = new URLSearchParams({
    ...Object.fromEntries(new URL(request().path, cloud.url).searchParams),
    redirect_uri: 'https://evil.example/',
  })
  const sent = await browser.send(page, { email: 'ada@example.org', password: PASSWORD, purpose: purpose.toString() })
  expect(sent).toMatchObject({ status: 400, location: null })
})

test('a form that another site sends with the browser of a person is refused', async () => {
  const page = await startBrowser(cloud.url).open(request().path)
  const victim = startBrowser(cloud.url)
  const fields = { email: 'ada@example.org', password: PASSWORD }
  // The attacker's page, form and secret; the victim's browser with no cookie, then with one of its own.
  expect(await victim.send(page, fields)).toMatchObject({ status: 403, location: null })
  await victim.open(request().path)
  expect(await victim.send(page, fields)).toMatchObject({ status: 403, location: null })
})

test('signing in leaves no session in the browser, so none can be fixed beforehand', async () => {
  const browser = startBrowser(cloud.url)
  const page = await browser.open(request().path)
  const cookie = page.headers.getSetCookie()
  expect(cookie).toEqual([expect.stringMatching(/^fusion-form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)])
  const sent = await browser.send(page, { email: 'ada@example.org', password: PASSWORD })
  expect(sent.headers.getSetCookie()).toEqual([])
  // The same browser is asked again.
  expect((await browser.open(request().path)).text).toContain('type="password"')
})

test('a code is good once: the second time ends the session that it gave', async () => {
  const { code, verifier } = await signInForCode()
  const { access_token } = (await (await redeem({ code, verifier })).json()) as TokenReply
  expect(await accountStatus(access_token)).toBe(200)
  const again = await redeem({ code, verifier })
  expect([again.status, await again.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  expect(await accountStatus(access_token)).toBe(401)
})

test('of two that bring the same code at once, one gets tokens, and they are ended', async () => {
  const { code, verifier } = await signInForCode()
  const replies = await Promise.all([redeem({ code, verifier }), redeem({ code, verifier })])
  expect(new Set(replies.map(reply => reply.status))).toEqual(new Set([200, 400]))
  const { access_token } = (await replies.find(reply => reply.ok)!.json()) as TokenReply
  expect(await accountStatus(access_token)).toBe(401)
})

test('a code brings nothing with another verifier, redirect address or client, and is used up by the try', async () => {
  const other = randomBytes(32).toString('base64url')
  for (const changed of [{ verifier: other }, { redirect_uri: 'http://127.0.0.1:50124/callback' }, { client_id: clientIds.dashboard }]) {
    const { code, verifier } = await signInForCode()
    expect((await redeem({ code, verifier, ...changed })).status).toBe(400)
    expect((await redeem({ code, verifier })).status).toBe(400)
  }
})

test('signing out everywhere leaves no code behind that is still good', async () => {
  const user = await cloud.makeUser({ email: 'mary@example.org', passwordHash })
  const { code, verifier } = await signInForCode('mary@example.org')
  await cloud.parts.identity.sessions.end({ userId: user.id })
  expect((await redeem({ code, verifier })).status).toBe(400)
})

test('a code is good for a minute', async () => {
  const { code, verifier } = await signInForCode()
  now += 60_000
  expect((await redeem({ code, verifier })).status).toBe(400)
})

test('a wrong password, an unknown address and a closed account read the same', async () => {
  await cloud.makeUser({ email: 'elsewhere@example.org', passwordHash: null })
  const closed = await cloud.makeUser({ email: 'closed@example.org', passwordHash })
  await cloud.database.query('update users set disabled_at = now() where id = $1', [closed.id])
  const answers = new Set<string>()
  for (const [email, password] of [
    ['ada@example.org', 'not her password'],
    ['nobody@example.org', PASSWORD],
    ['elsewhere@example.org', PASSWORD],
    ['closed@example.org', PASSWORD],
    ['a\0b@example.org', PASSWORD],
  ] as const) {
    const browser = startBrowser(cloud.url)
    const { status, text, location } = await browser.send(await browser.open(request().path), { email, password })
    answers.add(JSON.stringify([status, location, /role="alert">([^<]+)</.exec(text)?.[1]]))
  }
  expect([...answers]).toEqual([
    JSON.stringify([403, null, 'The e-mail address or the password is not right. Check both, then try again.']),
  ])
})

test('tokens are refused in the words of the RFC', async () => {
  const errors = await Promise.all(
    [{ grant_type: 'password', username: 'ada', password: 'x' }, { grant_type: 'refresh_token', client_id: 'x' }, {}].map(async fields => {
      const reply = await post('/oauth/token', fields)
      return [reply.status, ((await reply.json()) as { error: string }).error]
    }),
  )
  expect(errors).toEqual([
    [400, 'unsupported_grant_type'],
    [400, 'invalid_request'],
    [400, 'invalid_request'],
  ])
  const json = await fetch(`${cloud.url}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'refresh_token', client_id: clientIds.desktop, refresh_token: 'nonsense' }),
  })
  expect([json.status, await json.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
})

test('who signed in, who failed to, and who signed out stands in the audit log, without the address that was typed', async () => {
  const user = await cloud.makeUser({ email: 'hedy@example.org', passwordHash })
  const browser = startBrowser(cloud.url)
  await browser.send(await browser.open(request().path), { email: 'hedy@example.org', password: 'not hers' })
  const { code, verifier } = await signInForCode('hedy@example.org')
  const { access_token } = (await (await redeem({ code, verifier })).json()) as TokenReply
  await fetch(`${cloud.url}/v1/account/sessions`, { method: 'DELETE', headers: { authorization: `Bearer ${access_token}` } })
  const rows = await cloud.database.query(
    `select event, actor_id, detail from audit_events where organisation_id = $1 and $2 in (actor_id, subject_id) order by seq`,
    [user.organisationId, user.id],
  )
  expect(rows).toEqual([
    { event: 'sign-in-failure', actor_id: null, detail: { by: 'password', why: 'sign-in-wrong' } },
    { event: 'sign-in', actor_id: user.id, detail: { by: 'password' } },
    { event: 'sign-out-everywhere', actor_id: user.id, detail: {} },
  ])
})
