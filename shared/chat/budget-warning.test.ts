import { expect, test } from 'vitest'
import { budgetSentence } from './budget-warning.ts'

test.each([
  ['organisation', 'tokens-a-month', 0.935, '93 % of your organisation’s tokens for this month are used.'],
  ['person', 'tokens-a-month', 0.29, '29 % of your tokens for this month are used.'],
  ['each-person', 'money-a-month', 0.9, '90 % of what you may spend this month is spent.'],
  ['model', 'tokens-a-month', 1, '100 % of the tokens of this model for this month are used.'],
  ['model', 'money-a-month', 0.99999, '99 % of what may be spent on this model this month is spent.'],
  ['each-key', 'tokens-a-month', 0.95, '95 % of this key’s tokens for this month are used.'],
])('a budget of %s in %s, used to %d, is one sentence', (whose, measure, usedShare, sentence) => {
  expect(budgetSentence({ whose, measure, usedShare })).toBe(sentence)
})

test('of a budget that is not known here no more is said than is known', () => {
  for (const [whose, measure] of [
    ['team', 'tokens-a-month'],
    ['person', 'images-a-day'],
    ['constructor', 'money-a-month'],
    ['person', 'toString'],
  ] as const)
    expect(budgetSentence({ whose, measure, usedShare: 0.95 })).toBe('95 % of what may be used in this cloud is used.')
})
