// How a device gets its first tokens: for the code of a sign-in in a browser, or for one that was confirmed elsewhere.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { DeviceReply, TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import {
  createDeviceCode,
  findSessionOfCode,
  pollDevice,
  rememberSessionOfCode,
  takeAuthorizationCode,
} from '../../../database/authorizations.ts'
import type { Database, Queryable } from '../../../database/connection.ts'
import { findUser } from '../../../database/users.ts'
import type { Clock } from '../../clock.ts'
import { DEVICE_CODE_MS } from '../lifetimes.ts'
import type { Sessions } from '../sessions.ts'
import { deviceNameFor, isClient } from './authorization-request.ts'
import { OAuthError, type OAuthErrorCode } from './oauth-error.ts'
import { hashOf, makeOnceCode } from './once-code.ts'
import { makeUserCode } from './user-code.ts'

const POLL_SECONDS = 5

export interface Grants {
  /** All throw `OAuthError`. */
  byCode(of: { code: string; clientId: string; redirectUri: string; verifier: string }): Promise<TokenReply>
  byDevice(of: { code: string; clientId: string }): Promise<TokenReply>
  byRefresh(of: { token: string; clientId: string; address: string }): Promise<TokenReply>
  beginDevice(of: { clientId: string; deviceName: string | undefined }): Promise<DeviceReply>
}

export function createGrants({
  database,
  sessions,
  publicUrl,
  clock,
}: {
  database: Database
  sessions: Sessions
  publicUrl: () => string
  clock: Clock
}): Grants {
  async function begin(tx: Queryable, device: { userId: string; clientId: string; deviceName: string }) {
    const user = await findUser(tx, device.userId)
    return user && !user.disabledAt ? sessions.begin({ ...device, user }, tx) : undefined
  }

  return {
    async byCode({ code, clientId, redirectUri, verifier }) {
      const hash = hashOf(code)
      const tokens = await database.transaction(async tx => {
        const taken = await takeAuthorizationCode(tx, hash, new Date(clock()))
        const fits = taken?.clientId === clientId && taken.redirectUri === redirectUri && isVerifier(verifier, taken.codeChallenge)
        // The code is used up even where it did not fit: whoever sent it with something else is not who asked for it.
        const begun = fits ? await begin(tx, taken) : undefined
        if (begun) await rememberSessionOfCode(tx, hash, begun.sessionId)
        return begun?.tokens
      })
      if (tokens) return tokens
      // RFC 6749, section 4.1.2: a code that comes twice was stolen, so what it gave is ended.
      const session = await findSessionOfCode(database, hash)
      if (session) await sessions.endById(session)
      throw new OAuthError('invalid_grant')
    },

    async byDevice({ code, clientId }) {
      const result = await database.transaction(async tx => {
        const device = await pollDevice(tx, { hash: hashOf(code), clientId, now: new Date(clock()) })
        if (device?.state !== 'confirmed' || !device.userId) return deviceErrors[device?.state ?? 'used']
        const { userId, deviceName } = device
        return (await begin(tx, { userId, clientId, deviceName }))?.tokens ?? 'access_denied'
      })
      if (typeof result === 'string') throw new OAuthError(result)
      return result
    },

    async byRefresh(of) {
      const tokens = await sessions.refresh(of)
      if (!tokens) throw new OAuthError('invalid_grant')
      return tokens
    },

    async beginDevice({ clientId, deviceName }) {
      if (!isClient(clientId)) throw new OAuthError('invalid_client')
      const { code, hash } = makeOnceCode()
      const expiresAt = new Date(clock() + DEVICE_CODE_MS)
      const name = deviceNameFor(clientId, deviceName)
      let userCode: string
      do userCode = makeUserCode()
      while (!(await createDeviceCode(database, { hash, userCode, clientId, deviceName: name, intervalSeconds: POLL_SECONDS, expiresAt })))
      const page = `${publicUrl()}/oauth/device`
      return {
        device_code: code,
        user_code: userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${userCode}`,
        expires_in: DEVICE_CODE_MS / 1000,
        interval: POLL_SECONDS,
      }
    },
  }
}

const deviceErrors = {
  'too-soon': 'slow_down',
  waiting: 'authorization_pending',
  confirmed: 'invalid_grant',
  refused: 'access_denied',
  expired: 'expired_token',
  used: 'invalid_grant',
} satisfies Record<string, OAuthErrorCode>

/** RFC 7636 with S256: whoever asked knows what the challenge is the hash of. */
function isVerifier(verifier: string, challenge: string): boolean {
  const hash = createHash('sha256').update(verifier).digest('base64url')
  return hash.length === challenge.length && timingSafeEqual(Buffer.from(hash), Buffer.from(challenge))
}
