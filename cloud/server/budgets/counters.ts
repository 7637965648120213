// What was used of a budget, counted while requests run: as much as a request may need is taken before it begins, and given back at its end.

/** Of one limit. */
export interface Claim {
  /** Which limit, in which time: `person:…:tokens:2031-05`. Without spaces. */
  key: string
  limit: number
  amount: number
  /** The key is forgotten after so long. */
  keepMs: number
  /** It begins with what the ledger says; others begin with nothing. */
  seeded: boolean
  /** A span before this one that counts in part, so that limits of a minute hold over any minute. */
  before?: { key: string; weight: number }
}

export type Reserved =
  | { outcome: 'reserved'; used: number[] }
  /** Nothing was taken: the claim at `index` has no room. */
  | { outcome: 'refused'; index: number; used: number }
  /** Nothing was taken: these keys have to be seeded first. */
  | { outcome: 'unseeded'; keys: string[] }

export interface Reserving {
  /** Keys of one organisation are counted together. */
  organisationId: string
  /** Of the request. */
  id: string
  claims: readonly Claim[]
  /** What was reserved is given back after so long, if nobody settles it. */
  expireMs: number
  /** Takes these as well as what the request has; without it a request that has some takes nothing more, nor does one that is settled in any case. */
  more?: boolean
}

export interface Counters {
  /** Takes all claims, or none. `used`: of each limit, with this. */
  reserve(reserving: Reserving): Promise<Reserved>
  /** What was used before, unless it is known by now. */
  seed(organisationId: string, key: string, value: number, keepMs: number): Promise<void>
  /** Gives back what was reserved and counts what was used, by key; a second time it does nothing. */
  settle(organisationId: string, id: string, used: Readonly<Record<string, number>>): Promise<void>
  /** What was reserved is there again, and nothing stands of it: the request never began. What is settled stays so. */
  giveBack(organisationId: string, id: string): Promise<void>
  /**
   * Raises a key to what the ledger says and what is reserved at this moment, where it is less; tells both. It is never lowered: rows of the ledger
   * may still be on their way. undefined: nothing is known of the key.
   */
  raise(organisationId: string, key: string, value: number): Promise<{ was: number; due: number } | undefined>
}

/** A settled request is remembered for so long, so that it is not settled twice. */
export const SETTLED_MS = 3_600_000

interface Account {
  values: Map<string, { value: number; until: number }>
  reservations: Map<string, { until: number; held: Map<string, number> | 'settled' }>
}

/** In this process alone. */
export function createMemoryCounters({ now = () => performance.now() } = {}): Counters {
  const accounts = new Map<string, Account>()

  function accountOf(organisationId: string): Account {
    const account = accounts.get(organisationId) ?? { values: new Map(), reservations: new Map() }
    accounts.set(organisationId, account)
    const at = now()
    for (const [id, { until, held }] of account.reservations) {
      if (until > at) continue
      account.reservations.delete(id)
      if (held !== 'settled') for (const [key, amount] of held) add(account, key, -amount)
    }
    for (const [key, { until }] of account.values) if (until <= at) account.values.delete(key)
    return account
  }
  function add({ values }: Account, key: string, amount: number): void {
    const known = values.get(key)
    if (known) known.value += amount
  }
  const valueOf = ({ values }: Account, key: string) => values.get(key)?.value

  return {
    async reserve({ organisationId, id, claims, expireMs, more = false }) {
      const account = accountOf(organisationId)
      const known = account.reservations.get(id)
      const used = claims.map(
        ({ key, before }) =>
          (valueOf(account, key) ?? 0) + Math.floor((before ? (valueOf(account, before.key) ?? 0) : 0) * (before?.weight ?? 0)),
      )
      if (known && (!more || known.held === 'settled')) return { outcome: 'reserved', used }
      const unseeded = claims.filter(({ key, seeded }) => seeded && !account.values.has(key)).map(({ key }) => key)
      if (unseeded.length > 0) return { outcome: 'unseeded', keys: unseeded }
      const index = claims.findIndex(({ limit, amount }, at) => Math.max(0, used[at]!) + amount > limit)
      if (index >= 0) return { outcome: 'refused', index, used: Math.max(0, used[index]!) }
      const held = known && known.held !== 'settled' ? known.held : new Map<string, number>()
      for (const { key, amount, keepMs } of claims) {
        if (!account.values.has(key)) account.values.set(key, { value: 0, until: now() + keepMs })
        add(account, key, amount)
        held.set(key, (held.get(key) ?? 0) + amount)
      }
      account.reservations.set(id, { until: now() + expireMs, held })
      return { outcome: 'reserved', used: used.map((value, at) => Math.max(0, value) + claims[at]!.amount) }
    },
    async seed(organisationId, key, value, keepMs) {
      const { values } = accountOf(organisationId)
      if (!values.has(key)) values.set(key, { value, until: now() + keepMs })
    },
    async settle(organisationId, id, used) {
      const account = accountOf(organisationId)
      const known = account.reservations.get(id)
      if (known?.held === 'settled') return
      if (known) for (const [key, amount] of known.held) add(account, key, -amount)
      for (const [key, amount] of Object.entries(used)) add(account, key, amount)
      account.reservations.set(id, { until: now() + SETTLED_MS, held: 'settled' })
    },
    async giveBack(organisationId, id) {
      const account = accountOf(organisationId)
      const known = account.reservations.get(id)
      if (!known || known.held === 'settled') return
      for (const [key, amount] of known.held) add(account, key, -amount)
      account.reservations.delete(id)
    },
    async raise(organisationId, key, value) {
      const account = accountOf(organisationId)
      const was = valueOf(account, key)
      if (was === undefined) return undefined
      let reserved = 0
      for (const { held } of account.reservations.values()) if (held !== 'settled') reserved += held.get(key) ?? 0
      const due = value + reserved
      if (due > was) add(account, key, due - was)
      return { was, due }
    },
  }
}
