import { setTimeout as sleep } from 'node:timers/promises'
import type { UsageCounts } from '@fusion/shared/contract/cloud/usage.ts'
import type { LoadResult } from '../../../cloud/server/testing/stream-load.ts'
import { judge, type Row } from '../report.ts'
import { emptyCount, type ModelCount } from './models.ts'
import type { GatewaySetting } from './setting.ts'

type Ledger = Partial<Record<string, UsageCounts>>

/** What the organisation's admin is told, by model, when all of it is written: the ledger is behind the answers. */
export async function ledgerOf({ cloud, accessToken }: GatewaySetting): Promise<Ledger> {
  const headers = { authorization: `Bearer ${await accessToken()}` }
  let before = -1
  for (;;) {
    const reply = await fetch(`http://127.0.0.1:${cloud.port}/v1/admin/usage?hours=24`, { headers })
    if (!reply.ok) throw new Error(`The ledger was answered with ${reply.status}`)
    const { totals, models } = (await reply.json()) as { totals: UsageCounts; models: ({ model: string } & UsageCounts)[] }
    if (totals.requests === before) return Object.fromEntries(models.map(({ model, ...counts }) => [model, counts]))
    before = totals.requests
    await sleep(2_000)
  }
}

const words = (count: number) => count.toLocaleString('en-US')

/**
 * The ledger beside what the model server wrote. Whole answers, and those that were left while the model computed, are the same to the token. Of those
 * that were torn off at any moment, pieces were on their way: the ledger lies between what had reached whoever asked and what was written.
 */
export function ledgerRows(ledger: Ledger, counts: Record<string, ModelCount>, left: LoadResult['left']): Row[] {
  const of = (model: string) => ({
    written: counts[model] ?? emptyCount(),
    told: ledger[model] ?? { requests: 0, stopped: 0, failed: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0 },
  })
  const row = (what: string, difference: number, exact: boolean) =>
    judge(what, 'tokens', [{ ours: difference, reference: null }], exact ? { of: 'ours', sense: 'at most', value: 0 } : null)
  const exactRows = (['whole', 'held'] as const).flatMap(model => {
    const { written, told } = of(model)
    const which = model === 'whole' ? 'answers to their end' : 'answers left while the model computed'
    return (['promptTokens', 'completionTokens'] as const).map(kind =>
      row(
        `Ledger, ${words(told.requests)} ${which}, ${words(told[kind])} tokens of ${kind === 'promptTokens' ? 'prompts' : 'answers'}: off by`,
        Math.abs(told[kind] - written[kind]),
        true,
      ),
    )
  })
  const { written, told } = of('torn')
  const torn = `Ledger, ${words(told.requests)} answers torn off at any moment, ${words(told.completionTokens)} tokens of answers`
  return [
    ...exactRows,
    row(
      `${torn}: more than were written, or less than had come`,
      Math.max(0, told.completionTokens - written.completionTokens, left.torn.completionTokens - told.completionTokens),
      true,
    ),
    row(`${torn}: written, and not in the ledger`, written.completionTokens - told.completionTokens, false),
    row(`Ledger, answers torn off: tokens of prompts that were told, and are not in it`, written.promptTokens - told.promptTokens, false),
    judge(
      'Ledger: failed requests',
      'requests',
      [{ ours: Object.values(ledger).reduce((sum, one) => sum + (one?.failed ?? 0), 0), reference: null }],
      {
        of: 'ours',
        sense: 'at most',
        value: 0,
      },
    ),
  ]
}
