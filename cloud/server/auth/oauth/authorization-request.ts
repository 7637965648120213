import { clientIds, DASHBOARD_CALLBACK_PATH } from '@fusion/shared/contract/cloud/account.ts'

export interface AuthorizationRequest {
  clientId: string
  redirectUri: string
  state: string
  codeChallenge: string
  deviceName: string
}

type Query = Record<string, string | undefined>

/**
 * `unfit`: from no client of ours, or to be sent somewhere else; then nobody is sent anywhere. `refused`: the client is told so at `location`.
 */
export type ReadRequest = { kind: 'good'; request: AuthorizationRequest } | { kind: 'unfit' } | { kind: 'refused'; location: string }

/** What a client sent with the browser. `publicUrl`: of this cloud. */
export function readAuthorizationRequest(query: Query, publicUrl: string): ReadRequest {
  const { client_id: clientId, redirect_uri: redirectUri, state } = query
  const client = clientId === undefined ? undefined : clientOf(clientId)
  if (!clientId || !client || !redirectUri || !client.mayReturnTo(redirectUri, publicUrl)) return { kind: 'unfit' }
  const codeChallenge = query['code_challenge'] ?? ''
  const asks =
    (query['response_type'] ?? 'code') === 'code' &&
    query['code_challenge_method'] === 'S256' &&
    // SHA-256 in base64url is 43 characters.
    /^[A-Za-z0-9_-]{43}$/.test(codeChallenge)
  if (!asks || !state)
    return { kind: 'refused', location: returnAddress({ redirectUri, state: state ?? '' }, publicUrl, { error: 'invalid_request' }) }
  return {
    kind: 'good',
    request: { clientId, redirectUri, state, codeChallenge, deviceName: deviceNameFor(clientId, query['device_name']) },
  }
}

interface Client {
  name: string
  /** Compared with the whole address, so that nothing else can hide in it. */
  mayReturnTo(redirectUri: string, publicUrl: string): boolean
}

const clients: Record<string, Client> = {
  [clientIds.desktop]: {
    name: 'Fusion',
    // RFC 8252, section 7.3: any port of the loopback address, by number, since a name can be made to lead elsewhere.
    mayReturnTo(redirectUri) {
      const port = Number(/^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})\/callback$/.exec(redirectUri)?.[1])
      return port > 0 && port < 65_536
    },
  },
  [clientIds.dashboard]: {
    name: 'Fusion’s dashboard',
    mayReturnTo: (redirectUri, publicUrl) => redirectUri === `${publicUrl}${DASHBOARD_CALLBACK_PATH}`,
  },
}

const clientOf = (clientId: string) => (Object.hasOwn(clients, clientId) ? clients[clientId] : undefined)
export const isClient = (clientId: string): boolean => clientOf(clientId) !== undefined

/** What the device calls itself, without what would steer a terminal; its client's name where it says nothing. */
export function deviceNameFor(clientId: string, said: string | undefined): string {
  const name = said?.replaceAll(/\p{C}/gu, ' ').trim().slice(0, 100)
  return name || (clientOf(clientId)?.name ?? '')
}

/** Where the browser goes with the answer. It names who answers (RFC 9207), so that a client of several clouds can't mix them up. */
export function returnAddress(
  { redirectUri, state }: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
  publicUrl: string,
  answer: Record<string, string>,
): string {
  const parameters = new URLSearchParams({ ...answer, ...(state && { state }), iss: publicUrl })
  return `${redirectUri}?${parameters.toString()}`
}
