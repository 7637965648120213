// openid-client, which many programs sign in with, is the judge of what this server says.
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import * as oauth from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser } from '../../testing/browser.ts'
import { startTestCloud, type TestCloud } from '../../testing/test-cloud.ts'
import { createPasswords } from '../password.ts'

const PASSWORD = 'a long and quiet sentence'
let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
  await cloud.makeUser({ email: 'ada@example.org', passwordHash: await createPasswords().hash(PASSWORD) })
})
afterAll(() => cloud.close())

test('a client that knows nothing but the address signs in, refreshes, and signs out', async () => {
  const found = await oauth.discovery(new URL(cloud.url), clientIds.desktop, undefined, oauth.None(), {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  })
  expect(found.serverMetadata().supportsPKCE()).toBe(true)

  const [pkceCodeVerifier, expectedState] = [oauth.randomPKCECodeVerifier(), oauth.randomState()]
  const address = oauth.buildAuthorizationUrl(found, {
    redirect_uri: 'http://127.0.0.1:50123/callback',
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
  })
  const browser = startBrowser(cloud.url)
  const { location } = await browser.send(await browser.open(address.href), { email: 'ada@example.org', password: PASSWORD })

  const tokens = await oauth.authorizationCodeGrant(found, location!, { pkceCodeVerifier, expectedState })
  const refreshed = await oauth.refreshTokenGrant(found, tokens.refresh_token!)
  const status = async () =>
    (await oauth.fetchProtectedResource(found, refreshed.access_token, new URL('/v1/account', cloud.url), 'GET')).status
  expect(await status()).toBe(200)
  await oauth.tokenRevocation(found, refreshed.refresh_token!)
  await expect(oauth.refreshTokenGrant(found, refreshed.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' })

  expect(await oauth.initiateDeviceAuthorization(found, {})).toMatchObject({ interval: 5, verification_uri: `${cloud.url}/oauth/device` })
})
