import { byte, choice, type Rule, sequence } from './rule.ts'

/** Characters by their numbers, first and last, in ascending order and apart from one another. */
export type Characters = readonly (readonly [from: number, to: number])[]

export const everyCharacter: Characters = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
]

/** In order, what touches joined, no halves of surrogate pairs. */
export function joined(ranges: Characters): Characters {
  const result: [number, number][] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return overlap(result, everyCharacter)
}

export function overlap(a: Characters, b: Characters): Characters {
  const both = a.flatMap(([from, to]) => b.map(other => [Math.max(from, other[0]), Math.min(to, other[1])] as const))
  return both.filter(([from, to]) => from <= to)
}

export function allBut(ranges: Characters): Characters {
  let from = 0
  const gaps: [number, number][] = []
  for (const range of joined(ranges)) {
    gaps.push([from, range[0] - 1])
    from = range[1] + 1
  }
  gaps.push([from, 0x10ffff])
  return overlap(
    gaps.filter(([from, to]) => from <= to),
    everyCharacter,
  )
}

/** One of these characters, in UTF-8. */
export function character(ranges: Characters): Rule {
  const one = new Uint8Array(256)
  const more: Rule[] = []
  for (const [from, to] of ranges) {
    for (const bytes of inBytes(from, to)) {
      const [first] = bytes
      if (bytes.length === 1) one.fill(1, first!.from, first!.to + 1)
      else more.push(sequence(...bytes.map(({ from, to }) => byte(from, to))))
    }
  }
  return choice(...(one.includes(1) ? [{ kind: 'byte', set: one } as const] : []), ...more)
}

const encoder = new TextEncoder()
const encode = (character: number) => encoder.encode(String.fromCodePoint(character))

/** Stretches of characters whose bytes are every combination of a range for each. */
function inBytes(from: number, to: number): { from: number; to: number }[][] {
  for (const last of [0x7f, 0x7ff, 0xffff]) {
    if (from <= last && to > last) return [...inBytes(from, last), ...inBytes(last + 1, to)]
  }
  const length = encode(from).length
  for (let index = 1; index < length; index++) {
    const low = (1 << (6 * index)) - 1
    if ((from & ~low) === (to & ~low)) continue
    if ((from & low) !== 0) return [...inBytes(from, from | low), ...inBytes((from | low) + 1, to)]
    if ((to & low) !== low) return [...inBytes(from, (to & ~low) - 1), ...inBytes(to & ~low, to)]
  }
  const last = encode(to)
  return [Array.from(encode(from), (byte, index) => ({ from: byte, to: last[index]! }))]
}
