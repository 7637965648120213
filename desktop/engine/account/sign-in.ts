import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { SignInEvent } from '@fusion/shared/contract/account.ts'
import { AUTHORIZE_PATH, clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { listenForCode } from './loopback.ts'
import { type createTokenEndpoint, Refused } from './token-endpoint.ts'

type Endpoint = ReturnType<typeof createTokenEndpoint>
type SignIn = AsyncGenerator<SignInEvent, TokenReply, void>

/** A person signs in on a page of the cloud within this time. */
const LONGEST_MS = 15 * 60_000

const random = () => randomBytes(32).toString('base64url')

/** By the browser of this computer: authorization code with PKCE, and a way back to a port of 127.0.0.1 (RFC 8252). */
export async function* signInByBrowser(endpoint: Endpoint, address: string, signal: AbortSignal): SignIn {
  const [state, verifier] = [random(), random()]
  const loopback = await listenForCode(state)
  try {
    const query = new URLSearchParams({
      client_id: clientIds.desktop,
      redirect_uri: loopback.redirectUri,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      device_name: deviceName(),
    })
    yield { type: 'address-given', address: `${address}${AUTHORIZE_PATH}?${query.toString()}` }
    const code = await inTime(loopback.code, signal)
    const request = { grant_type: 'authorization_code', code, redirect_uri: loopback.redirectUri, code_verifier: verifier } as const
    return await endpoint.token(request, signal).catch(inWords)
  } finally {
    loopback.close()
  }
}

/** By a code that the person writes into a page of the cloud, on any device (RFC 8628). */
export async function* signInByCode(endpoint: Endpoint, signal: AbortSignal): SignIn {
  const device = await endpoint.device(deviceName(), signal).catch(inWords)
  if (!/^https?:$/.test(URL.parse(device.verification_uri)?.protocol ?? '')) throw failure('sign-in-refused')
  yield { type: 'code-given', code: device.user_code, address: device.verification_uri }
  const endsAt = performance.now() + Math.min(device.expires_in * 1000, LONGEST_MS)
  for (let seconds = device.interval; performance.now() < endsAt;) {
    await pause(seconds * 1000, undefined, { signal }).catch(() => {
      throw failure('cancelled')
    })
    try {
      return await endpoint.token({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device.device_code }, signal)
    } catch (error) {
      if (error instanceof Refused && error.reason === 'slow_down') seconds += 5
      else if (error instanceof Failure && error.code === 'cloud-unreachable') continue
      else if (!(error instanceof Refused && error.reason === 'authorization_pending')) inWords(error)
    }
  }
  throw failure('sign-in-over')
}

async function inTime<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = AbortSignal.timeout(LONGEST_MS)
  try {
    return await unlessAborted(promise, AbortSignal.any([signal, late]))
  } catch (error) {
    throw late.aborted ? failure('sign-in-over') : error
  }
}

function inWords(error: unknown): never {
  if (!(error instanceof Refused)) throw error
  throw failure(error.reason === 'expired_token' || error.reason === 'invalid_grant' ? 'sign-in-over' : 'sign-in-refused')
}

const deviceName = () => hostname().slice(0, 100) || 'A computer'
