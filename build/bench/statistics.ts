/** The p-th quantile (0 to 1) of some numbers, between two of them where it falls between. NaN of none. */
export function quantile(numbers: number[], p: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * p
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

export const median = (numbers: number[]) => quantile(numbers, 0.5)
