import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Caller } from '../caller.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** One request that a model was asked for, however it ended: a row of the ledger, and a step of the figures. */
export interface Recorded {
  caller: Caller
  requestId: string
  model: string
  usage: GenerationUsage
  /** Host and port; null where no server was reached. */
  server: string | null
  end: 'complete' | 'stopped' | 'failed'
  startedAt: number
}

export type Record = (recorded: Recorded) => Promise<void>

/** Counts what was asked for. `metrics` are there from the first request on. */
export function createRecord({ metrics }: { metrics: () => Metrics | undefined }): Record {
  return async ({ model: asked, server, usage, end }) => {
    const figures = metrics()
    // A name that no server has is whatever somebody wrote: it is nobody's to read, and there is no end to them.
    const model = server === null ? 'none' : asked
    figures?.generations.inc({ model, end })
    figures?.tokens.inc({ model, kind: 'prompt' }, usage.promptTokens)
    figures?.tokens.inc({ model, kind: 'cached' }, usage.cachedTokens)
    figures?.tokens.inc({ model, kind: 'completion' }, usage.completionTokens)
  }
}
