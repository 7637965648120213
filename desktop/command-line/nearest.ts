/** The one of `names` that was probably meant: at most a third of it (and no less than one letter) is written otherwise. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const ranked = names.map(name => ({ name, distance: distanceOf(written, name) })).toSorted((one, other) => one.distance - other.distance)
  const [best] = ranked
  if (!best) return undefined
  const begins = written.length > 1 ? names.find(name => name.startsWith(written)) : undefined
  return best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : begins
}

/** Letters to add, take away, change or swap with the next one (Damerau and Levenshtein's distance, without edits of what was swapped). */
function distanceOf(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, row) => [row, ...Array<number>(other.length).fill(0)])
  for (let column = 1; column <= other.length; column++) rows[0]![column] = column
  for (let row = 1; row <= one.length; row++) {
    for (let column = 1; column <= other.length; column++) {
      const changed = rows[row - 1]![column - 1]! + (one[row - 1] === other[column - 1] ? 0 : 1)
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      const best = Math.min(rows[row - 1]![column]! + 1, rows[row]![column - 1]! + 1, changed)
      rows[row]![column] = swapped ? Math.min(best, rows[row - 2]![column - 2]! + 1) : best
    }
  }
  return rows[one.length]![other.length]!
}
