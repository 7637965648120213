// How a person comes in, step by step as an app and a browser do it.
import { createHash, randomBytes } from 'node:crypto'
import { clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { startBrowser } from '../../../cloud/server/testing/browser.ts'

export const PASSWORD = 'a long and quiet sentence'
export const ADMIN = 'admin@example.org'
const REDIRECT = 'http://127.0.0.1:50123/callback'

/** Makes the first account by the link of the first start. */
export async function makeAdmin(link: string): Promise<void> {
  const browser = startBrowser(link)
  await browser.send(await browser.open(link), { organisation: 'Bench', name: 'Admin', email: ADMIN, password: PASSWORD })
}

/** From the page that asks for the password, over the code, to the tokens. */
export async function signIn(url: string, email: string): Promise<TokenReply> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: clientIds.desktop,
    redirect_uri: REDIRECT,
    state: 'a-state-of-the-app',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const browser = startBrowser(url)
  const page = await browser.open(`/oauth/authorize?${query.toString()}`)
  const sent = await browser.send(page, { email, password: PASSWORD })
  const code = sent.location?.searchParams.get('code')
  if (!code) throw new Error(`Signing in was answered with ${sent.status}`)
  const body = new URLSearchParams({
    client_id: clientIds.desktop,
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  })
  const reply = await fetch(`${url}/oauth/token`, { method: 'POST', body })
  if (!reply.ok) throw new Error(`The code was answered with ${reply.status}`)
  return (await reply.json()) as TokenReply
}

/** The body that asks for the next tokens. */
export const refreshBody = (token: string): string =>
  new URLSearchParams({ client_id: clientIds.desktop, grant_type: 'refresh_token', refresh_token: token }).toString()
