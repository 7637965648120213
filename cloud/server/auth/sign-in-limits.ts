// How often a password can be guessed. Waits grow with failures and end by themselves: nobody can lock an owner out for good.
import { createHash } from 'node:crypto'
import type { Database } from '../../database/connection.ts'
import { countAttempts, holdAttempts, uncountAttempts } from '../../database/sign-in-attempts.ts'
import type { Clock } from '../clock.ts'

interface Limit {
  /** Failures without a wait; from then on it doubles, from one second to `mostMs`. */
  free: number
  mostMs: number
}

const MINUTE_MS = 60_000
const limits = {
  /** One account from one address. */
  pair: { free: 5, mostMs: 15 * MINUTE_MS },
  /** Many accounts from one address, behind which a whole office may sit. */
  address: { free: 30, mostMs: 5 * MINUTE_MS },
  /** One account from many addresses. Where its owner signed in before, this one does not count. */
  account: { free: 50, mostMs: MINUTE_MS },
} satisfies Record<string, Limit>

const FORGET_MS = 24 * 60 * MINUTE_MS
const KNOWN_MS = 90 * FORGET_MS

export interface Try {
  account: string
  /** Network address of whoever tries. */
  address: string
}

export interface SignInLimits {
  /** How long to wait, in ms. With 0 the try counts as a failure until `succeeded` says otherwise, so that many at once gain nothing. */
  begin(of: Try): Promise<number>
  succeeded(of: Try): Promise<void>
}

export function createSignInLimits({ database, clock }: { database: Database; clock: Clock }): SignInLimits {
  return {
    async begin(of) {
      const now = clock()
      const keys = keysOf(of)
      const all = [keys.pair, keys.address, keys.account]
      return database.transaction(async tx => {
        const [pair, address, account] = await holdAttempts(tx, all)
        const known = pair!.succeededAt !== null && now - pair!.succeededAt.getTime() < KNOWN_MS
        const wait = Math.max(
          waitOf(pair!, limits.pair, now),
          waitOf(address!, limits.address, now),
          known ? 0 : waitOf(account!, limits.account, now),
        )
        // A try that has to wait is not counted: the wait ends, however often somebody asks in it.
        if (wait === 0) await countAttempts(tx, all, { now: new Date(now), forgottenBefore: new Date(now - FORGET_MS) })
        return wait
      })
    },
    async succeeded(of) {
      const keys = keysOf(of)
      await uncountAttempts(database, { cleared: [keys.pair], reduced: [keys.address, keys.account], now: new Date(clock()) })
    },
  }
}

function waitOf({ failures, failedAt }: { failures: number; failedAt: Date | null }, { free, mostMs }: Limit, now: number): number {
  if (!failedAt || failures < free || now - failedAt.getTime() > FORGET_MS) return 0
  const wait = Math.min(1000 * 2 ** Math.min(failures - free, 30), mostMs)
  return Math.max(0, failedAt.getTime() + wait - now)
}

function keysOf({ account, address }: Try) {
  const name = account.trim().toLowerCase()
  const network = networkOf(address)
  return { pair: key('pair', name, network), address: key('address', network), account: key('account', name) }
}

const key = (...parts: string[]) => createHash('sha256').update(JSON.stringify(parts)).digest()

/** Of an IPv6 address its first 64 bits: whoever has one has all that begin with them. */
export function networkOf(address: string): string {
  if (address.startsWith('::ffff:')) return address.slice('::ffff:'.length)
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter(Boolean)
  const behind = tail?.split(':').filter(Boolean) ?? []
  const whole = tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - behind.length).fill('0'), ...behind]
  return whole
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}
