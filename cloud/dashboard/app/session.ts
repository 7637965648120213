// Signing in: OAuth with PKCE, as every client of the cloud. The refresh token lies in this tab's session storage, so that a reload stays
// signed in and closing the tab signs out; the access token is in memory alone.
import { accountRoutes, AUTHORIZE_PATH, clientIds, TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { Value } from 'typebox/value'
import { reach } from './reach.ts'

const REFRESH = 'fusion.refresh'
const ATTEMPT = 'fusion.attempt'
/** A token is taken as old so long before it is: a request on its way takes time. */
const EARLY_MS = 30_000

export class SignedOut extends Error {}

let access: { token: string; until: number } | undefined
let refreshing: Promise<string> | undefined

const redirectUri = () => `${location.origin}/admin/callback`

export const isSignedIn = (): boolean => sessionStorage.getItem(REFRESH) !== null

/** Leaves for the sign-in page, which comes back to /admin/callback. */
export async function signIn(): Promise<void> {
  const attempt = { state: random(), verifier: random() }
  sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(attempt.verifier))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientIds.dashboard,
    redirect_uri: redirectUri(),
    state: attempt.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  })
  location.assign(`${AUTHORIZE_PATH}?${query.toString()}`)
}

/** Takes the code that the sign-in page came back with. True where this address is such a return. */
export async function finishSignIn(): Promise<boolean> {
  if (location.pathname !== '/admin/callback') return false
  const query = new URLSearchParams(location.search)
  const attempt = JSON.parse(sessionStorage.getItem(ATTEMPT) ?? '{}') as { state?: string; verifier?: string }
  sessionStorage.removeItem(ATTEMPT)
  history.replaceState(null, '', '/admin/')
  const code = query.get('code')
  // Somebody else's answer, or none: the page begins anew.
  if (!code || !attempt.verifier || query.get('state') !== attempt.state) return true
  await askForTokens({
    grant_type: 'authorization_code',
    client_id: clientIds.dashboard,
    code,
    redirect_uri: redirectUri(),
    code_verifier: attempt.verifier,
  })
  return true
}

/** A token that is good now. Throws `SignedOut`. */
export async function accessToken(): Promise<string> {
  if (access && Date.now() < access.until) return access.token
  refreshing ??= refresh().finally(() => (refreshing = undefined))
  return refreshing
}

/** Ends the session here and at the cloud. */
export async function signOut(): Promise<void> {
  const token = sessionStorage.getItem(REFRESH)
  forget()
  if (token) await send(accountRoutes.revoke.path, { token, client_id: clientIds.dashboard }).catch(() => {})
}

export function forget(): void {
  access = undefined
  sessionStorage.removeItem(REFRESH)
}

async function refresh(): Promise<string> {
  const token = sessionStorage.getItem(REFRESH)
  if (!token) throw new SignedOut()
  return askForTokens({ grant_type: 'refresh_token', client_id: clientIds.dashboard, refresh_token: token })
}

async function askForTokens(body: Record<string, string>): Promise<string> {
  const reply = await send(accountRoutes.token.path, body)
  // Anything but a refusal of the token itself passes: too many requests, a part that is away.
  if (!reply.ok && reply.status !== 400 && reply.status !== 401) throw new Error('The cloud did not answer. Try again in a moment.')
  const tokens: unknown = await reply.json()
  if (!reply.ok || !Value.Check(TokenReply, tokens)) {
    forget()
    throw new SignedOut()
  }
  sessionStorage.setItem(REFRESH, tokens.refresh_token)
  access = { token: tokens.access_token, until: Date.now() + tokens.expires_in * 1000 - EARLY_MS }
  return tokens.access_token
}

const send = (path: string, body: Record<string, string>) => reach(path, { method: 'POST', body: new URLSearchParams(body) })

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
