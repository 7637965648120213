import { createHash, createHmac, randomBytes } from 'node:crypto'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Database } from '../../../database/connection.ts'
import { createProviderSignIn, takeProviderSignIn } from '../../../database/identities.ts'
import type { Clock } from '../../clock.ts'
import type { Claims, Provider, Ties } from './provider.ts'

/** As long as somebody may take at the provider, with a second factor to find. */
export const PROVIDER_SIGN_IN_MS = 10 * 60_000

export interface ProviderSignIns {
  /** Where the browser goes. `secret`: of this browser, in a cookie that the way back finds. */
  begin(of: { purpose: string; secret: string; redirectUri: string }): Promise<URL>
  /** Who came back, and what for. Throws `sign-in-stale` for another browser, a second time, or too late; and what the provider throws. */
  finish(of: { cameBack: URL; secret: string }): Promise<{ claims: Claims; purpose: string }>
}

export function createProviderSignIns({
  database,
  provider,
  clock,
}: {
  database: Database
  provider: Provider
  clock: Clock
}): ProviderSignIns {
  return {
    async begin({ purpose, secret, redirectUri }) {
      const state = randomBytes(32).toString('base64url')
      const address = await provider.address(tiesOf(state, secret), redirectUri)
      const now = clock()
      const expiresAt = new Date(now + PROVIDER_SIGN_IN_MS)
      await createProviderSignIn(database, { stateHash: hashOf(state), browserHash: hashOf(secret), purpose, expiresAt }, new Date(now))
      return address
    },
    async finish({ cameBack, secret }) {
      const state = cameBack.searchParams.get('state') ?? ''
      const taken = await takeProviderSignIn(database, { stateHash: hashOf(state), browserHash: hashOf(secret), now: new Date(clock()) })
      if (!taken) throw failure('sign-in-stale')
      return { claims: await provider.redeem(cameBack, tiesOf(state, secret)), purpose: taken.purpose }
    },
  }
}

/** Made of what the browser keeps, so that the database holds nothing with which a stolen code could be redeemed. */
function tiesOf(state: string, secret: string): Ties {
  const derive = (what: string) => createHmac('sha256', secret).update(`${what} ${state}`).digest('base64url')
  return { state, nonce: derive('nonce'), verifier: derive('verifier') }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest()
