import { failure } from '@fusion/shared/contract/failures.ts'
import type { Database } from '../../database/connection.ts'
import { findRules, type RulesOfPerson, tokensSince } from '../../database/policies.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'

const HOUR_MS = 3_600_000
/** How old a sum may be: what is used in this time by several at once goes over a budget. */
const SUM_MS = 5_000
const SUMS = 10_000

export type Policies = ReturnType<typeof createPolicies>

/** What organisations allow their people, asked before a model is. */
export function createPolicies({ database, clock }: { database: Database; clock: Clock }) {
  const sums = new Map<string, { tokens: number; until: number }>()

  async function usedBy(organisationId: string, userId: string | null): Promise<number> {
    const now = clock()
    const key = `${organisationId} ${userId ?? ''}`
    const known = sums.get(key)
    if (known && now < known.until) return known.tokens
    const month = beginOfMonth(now)
    // The hour before this one may not be added up whole yet.
    const rowsFrom = Math.max(month, Math.floor(now / HOUR_MS) * HOUR_MS - HOUR_MS)
    const tokens = await tokensSince(database, { organisationId, userId, since: new Date(month), rowsFrom: new Date(rowsFrom) })
    sums.delete(key)
    sums.set(key, { tokens, until: now + SUM_MS })
    if (sums.size > SUMS) sums.delete(sums.keys().next().value!)
    return tokens
  }

  async function refuseWhereSpent(organisationId: string, userId: string | null, budget: number | null): Promise<void> {
    if (budget === null) return
    const used = await usedBy(organisationId, userId)
    if (used < budget) return
    const renewed = new Date(clock())
    renewed.setUTCMonth(renewed.getUTCMonth() + 1, 1)
    throw failure('budget-spent', { used, budget, date: renewed.toISOString().slice(0, 10) })
  }

  return {
    /** Whether this person may ask for a model: as `admit`, for lists. */
    async modelsOf({ organisationId, userId }: Caller): Promise<(model: string) => boolean> {
      const { models } = await findRules(database, { organisationId, userId })
      return model => models === null || models.includes(model)
    },
    /** What holds for this request. Throws `cloud-model-unknown` for a model that is not allowed, `budget-spent`. */
    async admit({ organisationId, userId }: Caller, model: string): Promise<Pick<RulesOfPerson, 'systemPrompt' | 'maskingRequired'>> {
      const rules = await findRules(database, { organisationId, userId })
      // As one that this cloud does not have: which others there are is not told.
      if (rules.models && !rules.models.includes(model)) throw failure('cloud-model-unknown', { model })
      await refuseWhereSpent(organisationId, userId, rules.budgets.person)
      await refuseWhereSpent(organisationId, null, rules.budgets.organisation)
      return rules
    },
  }
}

function beginOfMonth(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}
