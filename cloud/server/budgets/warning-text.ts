import type { BudgetWarning } from './budgets.ts'

const whose: Record<BudgetWarning['whose'], string> = {
  organisation: 'of the organisation',
  'each-person': 'of this person',
  person: 'of this person',
  'each-key': 'of this key',
  key: 'of this key',
  model: 'of this model',
}

/** As a header says it: `tokens-a-month of this person; 93 % used`. */
export const warningText = (warning: BudgetWarning): string =>
  `${warning.measure} ${whose[warning.whose]}; ${Math.floor(warning.usedShare * 100)} % used`
