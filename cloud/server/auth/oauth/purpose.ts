// What a person signs in for. As text it goes through the sign-in page, or to a provider and back; it is judged anew whenever it comes.
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Database } from '../../../database/connection.ts'
import { answerDevice, createAuthorizationCode } from '../../../database/authorizations.ts'
import type { User } from '../../../database/users.ts'
import type { Clock } from '../../clock.ts'
import { AUTHORIZATION_CODE_MS } from '../lifetimes.ts'
import { type AuthorizationRequest, readAuthorizationRequest, returnAddress } from './authorization-request.ts'
import { makeOnceCode } from './once-code.ts'
import { readUserCode } from './user-code.ts'

export type Purpose = { kind: 'authorization'; request: AuthorizationRequest } | { kind: 'device'; userCode: string }

export function writePurpose(purpose: Purpose): string {
  if (purpose.kind === 'device') return new URLSearchParams({ user_code: purpose.userCode }).toString()
  const { clientId, redirectUri, state, codeChallenge, deviceName } = purpose.request
  return new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
    device_name: deviceName,
  }).toString()
}

export function readPurpose(text: string, publicUrl: string): Purpose | undefined {
  const query = Object.fromEntries(new URLSearchParams(text))
  if (query['user_code'] !== undefined) {
    const userCode = readUserCode(query['user_code'])
    return userCode ? { kind: 'device', userCode } : undefined
  }
  const read = readAuthorizationRequest(query, publicUrl)
  return read.kind === 'good' ? { kind: 'authorization', request: read.request } : undefined
}

/** Gives what the purpose asks for to this person, and says where their browser goes now. */
export function createFinishSignIn({ database, publicUrl, clock }: { database: Database; publicUrl: () => string; clock: Clock }) {
  return async (text: string, user: Pick<User, 'id'>): Promise<string> => {
    const purpose = readPurpose(text, publicUrl())
    if (!purpose) throw failure('sign-in-unknown')
    const now = clock()
    if (purpose.kind === 'device') {
      const waited = await answerDevice(database, purpose.userCode, { userId: user.id, now: new Date(now) })
      if (!waited) throw failure('device-code-wrong')
      return `${publicUrl()}/oauth/device?done=yes`
    }
    const { clientId, redirectUri, codeChallenge, deviceName } = purpose.request
    const { code, hash } = makeOnceCode()
    const expiresAt = new Date(now + AUTHORIZATION_CODE_MS)
    await createAuthorizationCode(database, { hash, userId: user.id, clientId, redirectUri, codeChallenge, deviceName, expiresAt })
    return returnAddress(purpose.request, publicUrl(), { code })
  }
}
