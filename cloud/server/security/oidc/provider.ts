// The OpenID provider of the settings, by openid-client: discovery, authorization code with PKCE and nonce, who came.
import { failure } from '@fusion/shared/contract/failures.ts'
import * as client from 'openid-client'

export interface ProviderSettings {
  issuer: string
  clientId: string
  /** Null: a public client, which PKCE alone proves. */
  clientSecret: string | null
  /** As people know it, on the button and in sentences. */
  name: string
}

/** Whom the provider says somebody to be. */
export interface Claims {
  issuer: string
  subject: string
  /** Null where the provider names none, or does not vouch for it. */
  email: string | null
  name: string | null
}

/** What ties the way there and the way back together. */
export interface Ties {
  state: string
  nonce: string
  verifier: string
}

export interface Provider {
  name: string
  /** Where the browser goes. Throws `provider-unreachable`. */
  address(ties: Ties, redirectUri: string): Promise<URL>
  /**
   * Who came back with this address. Throws `provider-refused` where the provider, or what it sent, does not hold, and
   * `provider-unreachable`.
   */
  redeem(cameBack: URL, ties: Ties): Promise<Claims>
}

const TIMEOUT_S = 10
const SCOPE = 'openid email profile'

export function createProvider({ issuer, clientId, clientSecret, name }: ProviderSettings): Provider {
  let discovered: Promise<client.Configuration> | undefined

  /** Asked when somebody signs in, so that the cloud starts without it; kept once it has answered. */
  function configuration(): Promise<client.Configuration> {
    discovered ??= discover().catch((error: unknown) => {
      discovered = undefined
      throw error
    })
    return discovered
  }

  function discover(): Promise<client.Configuration> {
    // config.ts lets plain HTTP through for this machine alone.
    const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : []
    const secret = clientSecret ?? undefined
    const authentication = clientSecret === null ? client.None() : undefined
    return client.discovery(new URL(issuer), clientId, secret, authentication, { execute, timeout: TIMEOUT_S })
  }

  async function told<T>(work: (configuration: client.Configuration) => Promise<T>): Promise<T> {
    try {
      return await work(await configuration())
    } catch (error) {
      throw failure(isRefusal(error) ? 'provider-refused' : 'provider-unreachable', { name }, { cause: error })
    }
  }

  return {
    name,
    address: ({ state, nonce, verifier }, redirectUri) =>
      told(async found =>
        client.buildAuthorizationUrl(found, {
          redirect_uri: redirectUri,
          scope: SCOPE,
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }),
      ),
    redeem: (cameBack, { state, nonce, verifier }) =>
      told(async found => {
        const tokens = await client.authorizationCodeGrant(found, cameBack, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const token = tokens.claims()!
        // Many providers put into the ID token only who somebody is.
        const asks = token['email'] === undefined && found.serverMetadata().userinfo_endpoint !== undefined
        const claims = asks ? await client.fetchUserInfo(found, tokens.access_token, token.sub) : token
        const { email, email_verified: verified, name: called } = claims
        return {
          issuer: token.iss,
          subject: token.sub,
          email: typeof email === 'string' && verified === true ? email : null,
          name: typeof called === 'string' ? called : null,
        }
      }),
  }
}

/** The provider answered, and said no or something that does not hold; anything else is a provider that can't be asked. */
function isRefusal(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.status < 500
  if (error instanceof client.AuthorizationResponseError) return error.error !== 'temporarily_unavailable' && error.error !== 'server_error'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && REFUSALS.has(code)
}

/** Of openid-client: what came is not a reply to what was asked, or is not signed as it has to be. */
const REFUSALS = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_PARSE_ERROR',
])
