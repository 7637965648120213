import { usageRoutes } from '@fusion/shared/contract/cloud/usage.ts'
import type { FastifyInstance } from 'fastify'
import { organisationUsage, ownUsage } from '../../database/usage.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What models were asked for: one's own, and what the whole organisation asked. */
export async function usage(app: FastifyInstance, { database, clock }: Pick<Parts, 'database' | 'clock'>): Promise<void> {
  serve(app, usageRoutes.own, async ({ caller, query: { days = 30 } }) => {
    const since = beginOf(clock(), DAY_MS) - (days - 1) * DAY_MS
    return { days: await database.readAsUser(caller.userId, tx => ownUsage(tx, new Date(since))) }
  })

  serve(app, usageRoutes.organisation, async ({ caller, query: { hours = 1 } }) => {
    const now = clock()
    const since = hours === 1 ? now - HOUR_MS : beginOf(now, HOUR_MS) - (hours - 1) * HOUR_MS
    // The hour before this one may not be added up whole yet.
    const rowsFrom = Math.max(since, beginOf(now, HOUR_MS) - HOUR_MS)
    const { organisationId } = caller
    return { since, ...(await organisationUsage(database, { organisationId, since: new Date(since), rowsFrom: new Date(rowsFrom) })) }
  })
}

const beginOf = (moment: number, length: number) => Math.floor(moment / length) * length
