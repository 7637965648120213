/** Where each row begins, and last where they all end; a row that was never measured has its estimate. */
export function layOut(ids: readonly string[], heightOf: (id: string, index: number) => number): Float64Array {
  const offsets = new Float64Array(ids.length + 1)
  for (let index = 0; index < ids.length; index++) offsets[index + 1] = offsets[index]! + heightOf(ids[index]!, index)
  return offsets
}

export interface Range {
  first: number
  /** One behind the last row. */
  end: number
}

/** The rows that touch the stretch from `top` to `bottom`. */
export function rowsBetween(offsets: Float64Array, top: number, bottom: number): Range {
  const count = offsets.length - 1
  if (count <= 0) return { first: 0, end: 0 }
  const first = Math.min(lastAtMost(offsets, top), count - 1)
  let end = first + 1
  while (end < count && offsets[end]! < bottom) end++
  return { first, end }
}

/** The last row that begins at or above `at`. */
function lastAtMost(offsets: Float64Array, at: number): number {
  let low = 0
  let high = offsets.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (offsets[middle]! <= at) low = middle
    else high = middle - 1
  }
  return low
}

/** True where `outer` holds all of `inner`. */
export function holds(outer: Range, inner: Range): boolean {
  return outer.first <= inner.first && outer.end >= inner.end
}
