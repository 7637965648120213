import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Price } from '../../database/prices.ts'

export interface Cost {
  /** Null: nothing was told of the model's price. */
  priceVersion: number | null
  /** In millionths of the operator's currency, rounded up: a request is never cheaper than it was. */
  cost: number
}

export type Prices = ReturnType<typeof createPrices>

/** What requests cost, by the prices that hold as long as this server runs. */
export function createPrices(kept: ReadonlyMap<string, Price & { version: number }>) {
  return {
    costOf(model: string, { promptTokens, completionTokens }: Pick<GenerationUsage, 'promptTokens' | 'completionTokens'>): Cost {
      const price = kept.get(model)
      if (!price) return { priceVersion: null, cost: 0 }
      // A price is of a million tokens, and the sum in millionths: both cancel out.
      return { priceVersion: price.version, cost: Math.ceil(promptTokens * price.prompt + completionTokens * price.completion) }
    },
  }
}
