import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import { Id, newId } from '@fusion/shared/contract/ids.ts'
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { Value } from 'typebox/value'
import type { Clock } from '../clock.ts'
import { ACCESS_TOKEN_MS } from './lifetimes.ts'
import { ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** Whom access tokens are for: the API of this cloud. */
export const AUDIENCE = 'fusion-cloud'
/** RFC 9068: no other JWT of this server is taken for an access token. */
const TYPE = 'at+jwt'

export interface AccessTokens {
  make(of: { userId: string; sessionId: string; organisationId: string; role: Role }): Promise<string>
  /** The session that it is of; undefined for what is forged, of another issuer, or too old. */
  check(token: string): Promise<{ sessionId: string; userId: string } | undefined>
}

export function createAccessTokens({ keys, issuer, clock }: { keys: SigningKeys; issuer: () => string; clock: Clock }): AccessTokens {
  return {
    async make({ userId, sessionId, organisationId, role }) {
      const { id, privateKey } = await keys.signer()
      const now = clock()
      return new SignJWT({ sid: sessionId, org: organisationId, role })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: id })
        .setIssuer(issuer())
        .setAudience(AUDIENCE)
        .setSubject(userId)
        .setJti(newId(now))
        .setIssuedAt(Math.floor(now / 1000))
        .setExpirationTime(Math.floor((now + ACCESS_TOKEN_MS) / 1000))
        .sign(privateKey)
    },
    async check(token) {
      const key = await keys.publicKey(keyOf(token) ?? '')
      if (!key) return undefined
      try {
        const { payload } = await jwtVerify<{ sid?: unknown }>(token, key, {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer: issuer(),
          audience: AUDIENCE,
          requiredClaims: ['exp', 'sub', 'sid'],
          currentDate: new Date(clock()),
        })
        return Value.Check(Id, payload.sid) && payload.sub ? { sessionId: payload.sid, userId: payload.sub } : undefined
      } catch {
        return undefined
      }
    },
  }
}

function keyOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}
