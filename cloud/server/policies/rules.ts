import { type Budget, findBudgets } from '../../database/budgets.ts'
import type { Database } from '../../database/connection.ts'
import { findRules, type RulesOfPerson } from '../../database/policies.ts'
import type { Caller } from '../caller.ts'

export interface CallerRules extends RulesOfPerson {
  budgets: Budget[]
}

interface Known {
  rules: Promise<CallerRules>
  /** When it was begun to be read. */
  readAt: number
  organisationId: string
  /** Newer ones are being read. */
  renewing: boolean
}

export type Rules = ReturnType<typeof createRules>

/** Rules that are changed at another server hold here after so long. */
const KEEP_MS = 2_000
/** Older ones are read anew behind a request that asks for them, so that none waits for the database while others come. */
const FRESH_MS = 1_000
const MOST = 10_000

/** What holds for whoever calls, read once in a second: every request asks. */
export function createRules({ database, now = () => performance.now() }: { database: Database; now?: () => number }) {
  const known = new Map<string, Known>()

  async function read({ organisationId, userId, apiKeyId }: Caller): Promise<CallerRules> {
    const [rules, budgets] = await Promise.all([
      findRules(database, organisationId),
      findBudgets(database, { organisationId, userId, apiKeyId }),
    ])
    return { ...rules, budgets }
  }

  function readInto(key: string, caller: Caller): Known {
    const one: Known = { rules: read(caller), readAt: now(), organisationId: caller.organisationId, renewing: false }
    known.delete(key)
    known.set(key, one)
    if (known.size > MOST) known.delete(known.keys().next().value!)
    // What could not be read is read again.
    one.rules.catch(() => known.get(key) === one && known.delete(key))
    return one
  }

  /** The old ones hold until the new ones are there, or are too old. */
  async function renew(key: string, caller: Caller, old: Known): Promise<void> {
    old.renewing = true
    try {
      const readAt = now()
      const rules = Promise.resolve(await read(caller))
      // Not where they were changed here meanwhile.
      if (known.get(key) === old) known.set(key, { rules, readAt, organisationId: old.organisationId, renewing: false })
    } catch {
      old.renewing = false
    }
  }

  return {
    of(caller: Caller): Promise<CallerRules> {
      const { organisationId, userId, apiKeyId } = caller
      const key = `${organisationId} ${userId} ${apiKeyId ?? ''}`
      const found = known.get(key)
      if (!found || now() - found.readAt >= KEEP_MS) return readInto(key, caller).rules
      if (now() - found.readAt >= FRESH_MS && !found.renewing) void renew(key, caller, found)
      return found.rules
    },
    /** They were changed here. */
    forget(organisationId: string): void {
      for (const [key, one] of known) if (one.organisationId === organisationId) known.delete(key)
    },
  }
}
