// A real OpenID provider in this process, at which anybody is signed in who is named.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AdapterConstructor, Provider } from 'oidc-provider'

export interface ProviderAccount {
  email?: string
  email_verified?: boolean
  name?: string
}

export interface OpenIdProvider {
  issuer: string
  clientId: string
  clientSecret: string
  /** Who the next browser is that comes. */
  signInAs(subject: string, account: ProviderAccount): void
  close(): Promise<void>
}

const MEMORY = 'oidc-provider/lib/adapters/memory_adapter.js'

export async function startOpenIdProvider(redirectUri: string): Promise<OpenIdProvider> {
  const accounts = new Map<string, ProviderAccount>()
  let current = ''
  const [clientId, clientSecret] = ['a-cloud', 'a secret of the provider']
  let provider: Provider
  const server = createServer((request, response) => {
    void answer().catch(() => response.destroy())

    async function answer(): Promise<void> {
      if (!request.url?.startsWith('/interaction/')) {
        await provider.callback()(request, response)
        return
      }
      const grant = new provider.Grant({ accountId: current, clientId })
      grant.addOIDCScope('openid email profile')
      const consent = { grantId: await grant.save() }
      await provider.interactionFinished(request, response, { login: { accountId: current }, consent })
    }
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  // What it takes without being told so as well, and then warns that it is for tests.
  const { createMemoryAdapter } = (await import(MEMORY)) as { createMemoryAdapter: (toleranceS: number) => AdapterConstructor }
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  provider = new Provider(issuer, {
    adapter: createMemoryAdapter(30),
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['a key of the provider'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...accounts.get(accountId) }) }),
  })
  return {
    issuer,
    clientId,
    clientSecret,
    signInAs(subject, account) {
      accounts.set(subject, account)
      current = subject
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
