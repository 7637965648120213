const counts = new Intl.NumberFormat('en')

export const formatCount = (count: number): string => counts.format(count)

const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const CENT = 10_000

/** From millionths. What costs a little is never said to cost nothing. */
export function formatMoney(millionths: number): string {
  if (millionths === 0) return '0'
  return millionths < CENT ? '< 0.01' : money.format(millionths / 1_000_000)
}
