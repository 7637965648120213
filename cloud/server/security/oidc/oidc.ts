import { providerRoutes } from '@fusion/shared/contract/cloud/security.ts'
import type { Database } from '../../../database/connection.ts'
import type { SignInMethod } from '../../auth/sign-in-method.ts'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../config.ts'
import type { Audit } from '../audit.ts'
import { type Admission, createAdmission, readAdmit } from './admission.ts'
import { createProvider } from './provider.ts'
import { createProviderSignIns, type ProviderSignIns } from './provider-sign-in.ts'

/** Signing in with an account at the OpenID provider of the settings. */
export interface Oidc {
  signIns: ProviderSignIns
  admission: Admission
  /** Its button on the sign-in page. */
  method: SignInMethod
}

/** Null where the settings name none. */
export function createOidc({
  config,
  database,
  audit,
  clock,
  onEnded,
}: {
  config: Pick<Config, 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcName' | 'oidcAdmit'>
  database: Database
  audit: Audit
  clock: Clock
  /** Sessions and keys of this person have ended. */
  onEnded: (userId: string) => Promise<void>
}): Oidc | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret, oidcName: name, oidcAdmit: admit } = config
  if (!issuer || !clientId) return null
  const provider = createProvider({ issuer, clientId, clientSecret, name })
  return {
    signIns: createProviderSignIns({ database, provider, clock }),
    admission: createAdmission({ database, audit, admit: readAdmit(admit), name, clock, onEnded }),
    method: { id: 'oidc', name, href: purpose => `${providerRoutes.begin.path}?${new URLSearchParams({ purpose }).toString()}` },
  }
}
