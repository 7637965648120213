import { randomUUID } from 'node:crypto'
import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { UsageRow } from '../../database/usage.ts'
import type { Reservation } from '../budgets/budgets.ts'
import type { Prices } from '../budgets/prices.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Ledger } from '../usage/ledger.ts'
import type { Models } from './models.ts'
import type { Pace } from './pace.ts'
import { noUsage } from './told-usage.ts'

/** One request that a model was asked for, however it ended. */
export interface Recorded {
  caller: Caller
  kind: UsageRow['kind']
  /** Of an answer that has an id. */
  requestId?: string
  /** How often another server was asked. */
  retries?: number
  source?: UsageRow['source']
  /** What it had reserved. */
  reservation?: Pick<Reservation, 'settle'> | undefined
  model: string
  usage: GenerationUsage
  /** Host and port; null where no server was reached. */
  server: string | null
  end: UsageRow['ended']
  startedAt: number
}

/** Writes it down: a row of the ledger, and a step of the figures. Never throws, and nobody waits for it. */
export type Record = (recorded: Recorded) => void

export interface RecordOptions {
  /** There from the first request on. */
  metrics: () => Metrics | undefined
  ledger: Ledger
  models: Pick<Models, 'has'>
  pace: Pick<Pace, 'seen'>
  prices: Pick<Prices, 'costOf'>
  clock: Clock
}

export function createRecord({ metrics, ledger, models, pace, prices, clock }: RecordOptions): Record {
  return recorded => {
    const {
      caller,
      kind,
      requestId = randomUUID(),
      model: asked,
      server,
      usage,
      end,
      startedAt,
      retries = 0,
      source = 'model',
      reservation,
    } = recorded
    const figures = metrics()
    // A name that no server has is whatever somebody wrote: it is nobody's to read, and there is no end to them. One that answered had it, and may be gone.
    const model = server !== null || models.has(asked) ? asked : 'none'
    figures?.generations.inc({ model, end })
    figures?.tokens.inc({ model, kind: 'prompt' }, usage.promptTokens)
    figures?.tokens.inc({ model, kind: 'cached' }, usage.cachedTokens)
    figures?.tokens.inc({ model, kind: 'completion' }, usage.completionTokens)
    const { userId, organisationId, apiKeyId } = caller
    const durationMs = Math.max(0, Math.round(clock() - startedAt))
    if (end === 'complete' && source === 'model') pace.seen(model, usage.completionTokens, durationMs)
    // What was there already costs nothing.
    const cost = source === 'model' ? prices.costOf(model, usage) : { priceVersion: null, cost: 0 }
    reservation?.settle(source === 'model' ? usage : noUsage, cost)
    const row = { userId, organisationId, apiKeyId, requestId, kind, model, server, ended: end, at: new Date(startedAt), durationMs }
    ledger.add({
      ...row,
      ...usage,
      ...cost,
      source,
      retries: Math.min(retries, 32_767),
      cachedTokens: Math.min(usage.cachedTokens, usage.promptTokens),
    })
  }
}
