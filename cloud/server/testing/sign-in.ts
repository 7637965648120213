import { createHash, randomBytes } from 'node:crypto'
import { AUTHORIZE_PATH, accountRoutes, clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { startBrowser } from './browser.ts'

const PERSON = { email: 'ada@example.org', password: 'a long and quiet sentence' }
const REDIRECT = 'http://127.0.0.1:50123/callback'

/** Makes the first account of a cloud by the link that it printed. */
export async function makeFirstAccount(link: string): Promise<void> {
  const browser = startBrowser(new URL(link).origin)
  const { pathname, search } = new URL(link)
  await browser.send(await browser.open(pathname + search), { organisation: 'Example', name: 'Ada', ...PERSON })
}

/** Signs that person in as the app does, and gives an access token. */
export async function signInOnPage(url: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientIds.desktop,
    redirect_uri: REDIRECT,
    state: 'a state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const browser = startBrowser(url)
  const { location } = await browser.send(await browser.open(`${AUTHORIZE_PATH}?${query.toString()}`), PERSON)
  const reply = await fetch(url + accountRoutes.token.path, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientIds.desktop,
      redirect_uri: REDIRECT,
      code: location?.searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  })
  return ((await reply.json()) as TokenReply).access_token
}
