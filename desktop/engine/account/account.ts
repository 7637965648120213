import type { AccountState, SignInEvent, SignInWish } from '@fusion/shared/contract/account.ts'
import type { TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import type { Door } from '../egress/door.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Kept, KeptAccount } from './kept-account.ts'
import { signInByBrowser, signInByCode } from './sign-in.ts'
import { createTokenEndpoint, Refused } from './token-endpoint.ts'

export interface Access {
  /** Origin of the cloud. */
  address: string
  token: string
}

export interface Account {
  /** Resolves when it is known who is signed in. */
  known: Promise<void>
  state(): Omit<AccountState, 'models'>
  /** Calls the listener after each change. */
  watch(listener: () => void): () => void
  /** Yields what the person has to do, and ends when they are signed in. Leaving it, or the signal, gives up. */
  signIn(wish: SignInWish, signal: AbortSignal): AsyncGenerator<SignInEvent, void, void>
  /** Ends the session at the cloud, where that is reachable, and forgets it here in any case. */
  signOut(): Promise<void>
  /** A token that is good now; `refused`: one that the cloud did not take. Throws `signed-out`, `cloud-unreachable`. */
  access(refused?: string): Promise<Access>
  /** The cloud took no token of this session: it is over. */
  end(): Promise<void>
}

/** A token is renewed so long before it ends. */
const EARLY_MS = 30_000

/** One account for the data folder. Only one engine has the folder open, so no other renews its tokens. */
export function createAccount({ door, kept, log }: { door: Door; kept: KeptAccount; log: Log }): Account {
  const listeners = new Set<() => void>()
  let now: Kept | undefined
  let trouble: FailureBody | null = null
  let fresh: { token: string; goodUntil: number } | undefined
  let refreshing: Promise<Access> | undefined

  const tell = () => listeners.forEach(listener => listener())
  const known = (async () => {
    now = await kept.read()
    tell()
  })()

  async function set(next: Kept, because: FailureBody | null = null): Promise<void> {
    now = next
    trouble = because
    await kept.write(next)
    tell()
  }

  function take({ access_token: token, expires_in: seconds }: TokenReply): void {
    fresh = { token, goodUntil: performance.now() + seconds * 1000 - EARLY_MS }
  }

  async function forget(because: FailureBody | null): Promise<void> {
    const person = now?.person
    fresh = undefined
    if (!now || !person) return
    await set({ address: now.address, person: null }, because)
    await kept
      .secret(person.keptIn)
      .forget()
      .catch((error: unknown) => log.warn({ error: reasonOf(error) }, 'secret not forgotten'))
  }

  async function refresh(): Promise<Access> {
    const { address, person } = now!
    const place = kept.secret(person!.keptIn)
    const secret = await place.read().catch(() => undefined)
    try {
      if (secret === undefined) throw new Refused('invalid_grant')
      const reply = await createTokenEndpoint(door, address).token({ grant_type: 'refresh_token', refresh_token: secret })
      // Kept before it is used: whenever this process ends, the newest one is there, or the one that the cloud still takes.
      await place.write(reply.refresh_token)
      take(reply)
      if (trouble) {
        trouble = null
        tell()
      }
      return { address, token: reply.access_token }
    } catch (error) {
      if (error instanceof Refused) {
        log.info({ reason: error.reason }, 'session is over')
        await forget(Failure.toBody(failure('signed-out')))
        throw failure('signed-out')
      }
      trouble = Failure.toBody(error)
      tell()
      throw error
    }
  }

  return {
    known,
    state: () => ({
      signedIn: now?.person ? { address: now.address, ...now.person } : null,
      lastAddress: now?.address ?? null,
      failure: trouble,
    }),
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async *signIn({ address: written, by }, signal) {
      const address = originOf(written)
      const endpoint = createTokenEndpoint(door, address)
      const tokens = yield* by === 'browser' ? signInByBrowser(endpoint, address, signal) : signInByCode(endpoint, signal)
      const { user, organisation } = await endpoint.account(tokens.access_token, signal)
      await forget(null)
      const keptIn = await kept.keepSecret(tokens.refresh_token)
      take(tokens)
      await set({ address, person: { email: user.email, name: user.name, organisation: organisation.name, keptIn } })
      log.info({ host: new URL(address).host, keptIn }, 'signed in')
    },
    async signOut() {
      const person = now?.person
      await refreshing?.catch(() => {})
      if (!now || !person) return
      const secret = await kept
        .secret(person.keptIn)
        .read()
        .catch(() => undefined)
      const endpoint = createTokenEndpoint(door, now.address)
      await forget(null)
      if (secret !== undefined)
        await endpoint.revoke(secret).catch((error: unknown) => log.info({ error: reasonOf(error) }, 'session not ended at the cloud'))
    },
    async access(refused) {
      await known
      if (!now?.person) throw failure('signed-out')
      if (fresh && fresh.token !== refused && performance.now() < fresh.goodUntil) return { address: now.address, token: fresh.token }
      refreshing ??= refresh().finally(() => (refreshing = undefined))
      return refreshing
    },
    end: () => forget(Failure.toBody(failure('signed-out'))),
  }
}

/** The origin of what somebody wrote as an address. HTTPS, but for a cloud on this computer itself. Throws `cloud-address-unfit`. */
function originOf(written: string): string {
  const text = written.trim()
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`)
  const local = url?.protocol === 'http:' && url.hostname === '127.0.0.1'
  if (!url || !url.hostname || url.username || url.password || !(url.protocol === 'https:' || local)) throw failure('cloud-address-unfit')
  return url.origin
}
