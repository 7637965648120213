import {
  Account,
  accountRoutes,
  clientIds,
  DeviceReply,
  TokenError,
  TokenReply,
  type TokenRequest,
} from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { Compile } from 'typebox/compile'
import type { Door } from '../egress/door.ts'

const tokenReply = Compile(TokenReply)
const tokenError = Compile(TokenError)
const deviceReply = Compile(DeviceReply)
const account = Compile(Account)

/** An answer of a token endpoint that says no, in the words of OAuth: `invalid_grant`, `authorization_pending`. */
export class Refused extends Error {
  readonly reason: string
  constructor(reason: string) {
    super('The cloud gave no token')
    this.reason = reason
  }
}

type Unfilled<T> = T extends unknown ? Omit<T, 'client_id'> : never
/** Longer than any answer of these takes: then the cloud counts as not reachable. */
const PATIENCE_MS = 20_000

/** The questions about an account, asked of the cloud at `address`. Rejects with `Refused`, `cloud-unreachable`, `cloud-odd`. */
export function createTokenEndpoint(door: Door, address: string) {
  const { host } = new URL(address)

  async function ask(
    path: string,
    init: Parameters<Door['request']>[0]['init'],
    signal?: AbortSignal,
  ): Promise<{ reply: Response; body: unknown }> {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    try {
      const signals = signal ? AbortSignal.any([signal, patience]) : patience
      const reply = await door.request({ purpose: 'account', url: address + path, init: { ...init, signal: signals } })
      const text = await reply.text()
      return { reply, body: parsed(text) }
    } catch (error) {
      if (signal?.aborted) throw failure('cancelled')
      if (error instanceof Failure) throw error
      throw failure('cloud-unreachable', { host }, { cause: error, retryable: true })
    }
  }

  async function form(path: string, fields: Record<string, string>, signal?: AbortSignal): Promise<unknown> {
    const filled = { ...fields, client_id: clientIds.desktop }
    const { reply, body } = await ask(path, { method: 'POST', body: new URLSearchParams(filled) }, signal)
    if (reply.ok) return body
    if (reply.status < 500 && reply.status !== 429 && tokenError.Check(body)) throw new Refused(body.error)
    throw reply.status >= 500 || reply.status === 429
      ? failure('cloud-unreachable', { host }, { retryable: true })
      : failure('cloud-odd', { host })
  }

  const known = <T>(schema: { Check(value: unknown): value is T }, body: unknown): T => {
    if (!schema.Check(body)) throw failure('cloud-odd', { host })
    return body
  }

  return {
    token: async (request: Unfilled<TokenRequest>, signal?: AbortSignal): Promise<TokenReply> =>
      known<TokenReply>(tokenReply, await form(accountRoutes.token.path, { ...request }, signal)),
    device: async (deviceName: string, signal?: AbortSignal): Promise<DeviceReply> =>
      known<DeviceReply>(deviceReply, await form(accountRoutes.device.path, { device_name: deviceName }, signal)),
    revoke: async (token: string): Promise<void> => void (await form(accountRoutes.revoke.path, { token })),
    async account(accessToken: string, signal?: AbortSignal): Promise<Account> {
      const { reply, body } = await ask(accountRoutes.account.path, { headers: { authorization: `Bearer ${accessToken}` } }, signal)
      if (reply.status === 401) throw failure('signed-out')
      return known<Account>(account, body)
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
