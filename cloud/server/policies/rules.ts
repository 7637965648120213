import { type Budget, findBudgets } from '../../database/budgets.ts'
import type { Database } from '../../database/connection.ts'
import { findRules, type RulesOfPerson } from '../../database/policies.ts'
import type { Caller } from '../caller.ts'

export interface CallerRules extends RulesOfPerson {
  budgets: Budget[]
}

export type Rules = ReturnType<typeof createRules>

/** Rules that are changed at another server hold here after so long. */
const KEEP_MS = 2_000
const MOST = 10_000

/** What holds for whoever calls, read once in two seconds: every request asks. */
export function createRules({ database, now = () => performance.now() }: { database: Database; now?: () => number }) {
  const known = new Map<string, { rules: Promise<CallerRules>; until: number; organisationId: string }>()

  async function read({ organisationId, userId, apiKeyId }: Caller): Promise<CallerRules> {
    const [rules, budgets] = await Promise.all([
      findRules(database, organisationId),
      findBudgets(database, { organisationId, userId, apiKeyId }),
    ])
    return { ...rules, budgets }
  }

  return {
    of(caller: Caller): Promise<CallerRules> {
      const { organisationId, userId, apiKeyId } = caller
      const key = `${organisationId} ${userId} ${apiKeyId ?? ''}`
      const found = known.get(key)
      if (found && now() < found.until) return found.rules
      const rules = read(caller)
      known.delete(key)
      known.set(key, { rules, until: now() + KEEP_MS, organisationId })
      if (known.size > MOST) known.delete(known.keys().next().value!)
      // What could not be read is read again.
      rules.catch(() => known.delete(key))
      return rules
    },
    /** They were changed here. */
    forget(organisationId: string): void {
      for (const [key, one] of known) if (one.organisationId === organisationId) known.delete(key)
    },
  }
}
