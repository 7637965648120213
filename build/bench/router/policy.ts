import type { MockEngine } from '../../../cloud/testing/mock-engine.ts'
import type { Random } from './random.ts'
import type { Asked } from './workload.ts'

/** Who decides where a request goes. */
export interface Policy {
  /** The server's number. */
  choose(asked: Asked, now: number): number
  /** Its first token came. */
  begun?(asked: Asked, server: number): void
  /** It is answered. */
  done?(asked: Asked, server: number): void
  /** So often it looks at what servers tell of themselves. */
  lookMs?: number
  look?(now: number): void
}

export type MakePolicy = (engines: readonly MockEngine[], random: Random) => Policy

/** The first of those with the highest score. */
export function best(scores: readonly number[]): number {
  return scores.indexOf(Math.max(...scores))
}

/** Of those with the highest score any, by chance. */
export function anyBest(scores: readonly number[], random: Random): number {
  const highest = Math.max(...scores)
  const equal = scores.flatMap((score, index) => (score >= highest - 1e-9 ? [index] : []))
  return equal[Math.floor(random() * equal.length)]!
}

/** How many requests each has, from the moment of the decision. */
export function countInFlight(engines: readonly MockEngine[]) {
  const inFlight = engines.map(() => 0)
  return {
    inFlight,
    /** Notes the decision. */
    taken(server: number): number {
      inFlight[server]! += 1
      return server
    },
    done: (_: Asked, server: number) => void (inFlight[server]! -= 1),
  }
}
