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

/** Tokens whose signature was checked before: checking one takes 80 µs, as long as many a query. 600 bytes each. */
const CHECKED = 10_000

interface Claimed {
  sessionId: string
  userId: string
}

export interface AccessTokens {
  make(of: { userId: string; sessionId: string; organisationId: string; role: Role }): Promise<string>
  /** The session that it is of; undefined for what is forged, of another issuer, or too old. */
  check(token: string): Promise<Claimed | undefined>
}

export function createAccessTokens({ keys, issuer, clock }: { keys: SigningKeys; issuer: () => string; clock: Clock }): AccessTokens {
  const checked = new Map<string, { claimed: Claimed; until: number }>()

  async function verify(token: string): Promise<{ claimed: Claimed; until: number } | undefined> {
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
      const { sid, sub, exp } = payload
      return Value.Check(Id, sid) && sub && exp ? { claimed: { sessionId: sid, userId: sub }, until: exp * 1000 } : undefined
    } catch {
      return undefined
    }
  }

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
      const known = checked.get(token)
      if (known && clock() < known.until) return known.claimed
      checked.delete(token)
      const verified = await verify(token)
      if (!verified) return undefined
      checked.set(token, verified)
      if (checked.size > CHECKED) checked.delete(checked.keys().next().value!)
      return verified.claimed
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
