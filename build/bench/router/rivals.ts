// How others decide, as far as their sources say.
import type { MockEngine } from '../../../cloud/testing/mock-engine.ts'
import { anyBest, best, countInFlight, type MakePolicy } from './policy.ts'

export const random: MakePolicy = (engines, draw) => ({ choose: () => Math.floor(draw() * engines.length) })

export const roundRobin: MakePolicy = engines => {
  let next = 0
  return { choose: () => next++ % engines.length }
}

/** The fewest requests in flight, by its own count. */
export const leastLoaded: MakePolicy = (engines, draw) => {
  const { inFlight, taken, done } = countInFlight(engines)
  return {
    choose: () =>
      taken(
        anyBest(
          inFlight.map(load => -load),
          draw,
        ),
      ),
    done,
  }
}

/**
 * vLLM production-stack's `loadaware` (pull request 1035): `matched/prompt − (load − mean)/max(1, mean)` over its own count, the cache as LMCache tells
 * it, the first of equal ones. `lookMs`: load is as old as that.
 */
export const productionStack =
  (lookMs?: number): MakePolicy =>
  engines => {
    const { inFlight, taken, done } = countInFlight(engines)
    let seen = inFlight
    return {
      choose({ blocks }) {
        const mean = seen.reduce((sum, load) => sum + load, 0) / seen.length
        return taken(
          best(engines.map((engine, server) => engine.prefixLength(blocks) / blocks.length - (seen[server]! - mean) / Math.max(1, mean))),
        )
      },
      done,
      ...(lookMs !== undefined && { lookMs, look: () => void (seen = [...inFlight]) }),
    }
  }

interface Told {
  waiting: number
  cacheUse: number
}

const tell = (engine: MockEngine): Told => ({ waiting: engine.waiting(), cacheUse: engine.cacheUse() })

/** Where a prefix was sent is where it will be, for so long, until the server says so itself (`speculativeIndexing`). */
const SPECULATIVE_MS = 2_000

/**
 * llm-d's precise scorer with the weights of its guide (3 for the prefix, 2 each for free cache, a short queue, and of cold ones for the server that had
 * none for longest), figures as old as `lookMs` (50: its own `--refresh-metrics-interval`), caches as they are.
 */
export const llmdPrecise =
  ({ lookMs = 50, speculative = true } = {}): MakePolicy =>
  (engines, draw) => {
    let told = engines.map(tell)
    /** When which block was sent where. */
    const sent = engines.map(() => new Map<number, number>())
    const coldAt = engines.map(() => -1)
    let colds = 0
    return {
      choose({ blocks }, now) {
        const matched = engines.map((engine, server) => {
          let length = engine.prefixLength(blocks)
          if (speculative)
            while (length < blocks.length && now - (sent[server]!.get(blocks[length]!) ?? -Infinity) < SPECULATIVE_MS) length += 1
          return length / blocks.length
        })
        const queues = told.map(({ waiting }) => waiting)
        const longest = Math.max(...queues)
        const shortest = Math.min(...queues)
        const isCold = matched.every(share => share === 0)
        const scores = engines.map((_, server) => {
          const queue = longest === shortest ? 1 : (longest - queues[server]!) / (longest - shortest)
          const older = coldAt.filter(at => at > coldAt[server]!).length / (engines.length - 1)
          return 3 * matched[server]! + 2 * (1 - told[server]!.cacheUse) + 2 * queue + 2 * (isCold ? older : 0.5)
        })
        const server = anyBest(scores, draw)
        if (isCold) coldAt[server] = ++colds
        if (speculative) for (const block of blocks) sent[server]!.set(block, now)
        return server
      },
      lookMs,
      look: () => void (told = engines.map(tell)),
    }
  }

/** Tokens a second and ms, the defaults of llm-d's `prefix-cache-affinity-filter`. */
const PREFILL_SPEED = 15_928
const PENALTY_MS = 18_000
const STICKY = 0.8

/**
 * llm-d's newer guide: only servers with four fifths of the prompt, unless they are 18 s behind the others; of them the one with the fewest tokens that
 * it has yet to read.
 */
export const llmdTokenLoad: MakePolicy = (engines, draw) => {
  const unread = engines.map(() => 0)
  const own = new Map<object, number>()
  return {
    choose(asked) {
      const { blocks, tokens } = asked
      const matched = engines.map(engine => engine.prefixLength(blocks) / blocks.length)
      const sticky = matched.map(share => share >= STICKY)
      const soonest = (which: boolean) => Math.min(...unread.filter((_, server) => sticky[server] === which))
      const isBehind = ((soonest(true) - soonest(false)) / PREFILL_SPEED) * 1000 > PENALTY_MS
      const open = sticky.some(Boolean) && !isBehind ? sticky : sticky.map(() => true)
      const rest = matched.map(share => tokens * (1 - share))
      const server = anyBest(
        unread.map((count, index) => (open[index] ? -(count + rest[index]!) : -Infinity)),
        draw,
      )
      unread[server]! += rest[server]!
      own.set(asked, rest[server]!)
      return server
    },
    begun(asked, server) {
      unread[server]! -= own.get(asked)!
      own.delete(asked)
    },
  }
}
