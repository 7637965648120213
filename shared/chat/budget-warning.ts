// That little is left of what somebody may use in the cloud: as data, and in words.
import { Type, type Static } from 'typebox'

/** Strings, so that a budget of a new kind keeps no older app from its answer. `usedShare`: 0 to 1. */
export const BudgetWarning = Type.Object({
  whose: Type.String(),
  measure: Type.String(),
  usedShare: Type.Number({ minimum: 0, maximum: 1 }),
})
export type BudgetWarning = Static<typeof BudgetWarning>

const tokens: Record<string, string> = {
  organisation: 'your organisation’s tokens',
  'each-person': 'your tokens',
  person: 'your tokens',
  'each-key': 'this key’s tokens',
  key: 'this key’s tokens',
  model: 'the tokens of this model',
}
const money: Record<string, string> = {
  organisation: 'what your organisation may spend',
  'each-person': 'what you may spend',
  person: 'what you may spend',
  'each-key': 'what this key may spend',
  key: 'what this key may spend',
  model: 'what may be spent on this model',
}

/** "93 % of your organisation’s tokens for this month are used." Of a budget that nobody here knows it says as much as is known. */
export function budgetSentence({ whose, measure, usedShare }: BudgetWarning): string {
  // Never more than is used; a share such as 0.29 is a hair less than 29 hundredths.
  const share = `${Math.floor(usedShare * 100 + 1e-9)} %`
  const known = (of: Record<string, string>) => (Object.hasOwn(of, whose) ? of[whose] : undefined)
  const [ofTokens, ofMoney] = [known(tokens), known(money)]
  if (measure === 'tokens-a-month' && ofTokens) return `${share} of ${ofTokens} for this month are used.`
  if (measure === 'money-a-month' && ofMoney) return `${share} of ${ofMoney} this month is spent.`
  return `${share} of what may be used in this cloud is used.`
}
