import type { Pair } from './report.ts'
import { undisturbed } from './quiet.ts'

/**
 * Measures two sides in turn, round after round, so that a slow minute of the machine hits both; each round begins with the other side.
 * Without a reference only ours is measured.
 */
export async function interleave<T>(
  rounds: number,
  ours: () => Promise<T>,
  reference: (() => Promise<T>) | undefined,
): Promise<{ ours: T; reference: T | null }[]> {
  const results: { ours: T; reference: T | null }[] = []
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const first = await undisturbed(ours)
      results.push({ ours: first, reference: reference ? await undisturbed(reference) : null })
    } else {
      const first = reference ? await undisturbed(reference) : null
      results.push({ ours: await undisturbed(ours), reference: first })
    }
  }
  return results
}

/** Measures several sides in turn, round after round; each round begins with the next side. */
export async function rotate<T>(rounds: number, sides: Record<string, () => Promise<T>>): Promise<Record<string, T>[]> {
  const names = Object.keys(sides)
  const results: Record<string, T>[] = []
  for (let round = 0; round < rounds; round++) {
    const result: Record<string, T> = {}
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]!
      result[name] = await undisturbed(sides[name]!)
    }
    results.push(result)
  }
  return results
}

/** The same figure of both sides of each round. */
export const figures = <T>(results: { ours: T; reference: T | null }[], figure: (side: T) => number): Pair[] =>
  results.map(({ ours, reference }) => ({ ours: figure(ours), reference: reference === null ? null : figure(reference) }))
