// One request and the servers that it may take: the only place where another one is asked.
import { type Models, ranks, type Wanted } from './models.ts'
import { ServerLost, ServerRefused } from './model-server.ts'
import type { PoolServer } from './pool/pool-server.ts'

/** Who is told how it goes. */
export interface Watch {
  /** Host and port of the server that is asked now, and its weights. */
  onServer?: (label: string, weights: string) => void
  /** How many have their turn before it. */
  onPlace?: (ahead: number) => void
  /** A server is woken for it. */
  onWake?: () => void
  /** From 2 on. */
  onRetry?: (attempt: number) => void
}

export interface AskServers<Item> {
  models: Models
  wanted: Wanted
  signal: AbortSignal
  watch: Watch
  /** The answer of this server. `begun`: it goes on with an answer that broke off. */
  ask: (at: PoolServer, begun: boolean) => AsyncIterable<Item>
  /** Whether a token came with it. What came before the first one is told only when that is there: until then another server may begin anew. */
  isProgress: (item: Item) => boolean
  /** How many tokens came with an item of progress, where one is more than one. */
  tokensIn?: (item: Item) => number
  /** The weights of the server that began it, where it was begun elsewhere. */
  begunBy?: string | undefined
  /** Why no other server can go on with what was begun; undefined where one can. */
  whyNotOn?: (lost: unknown) => unknown
}

/** The first server and two more, without a token of progress between them. */
const TRIES = 3
/**
 * A request that was with two servers when they broke, before they made a token, may be what breaks them: it is not given to a third. In mid answer two
 * servers count in the same way that took it over, and died soon: with the one that began it, these are three.
 */
const BROKEN_BY_ONE = 2
/**
 * Whoever goes on from the very token comes at once to what broke the server before, or within a second or two where time or memory ran out: so many
 * tokens. A server that made more of the answer was not broken by what broke the one before.
 */
const SOON_TOKENS = 64
/** Of servers that were not even there: they are many only where a whole rack has gone. */
const MOST_UNREACHED = 16
/** Before its first token a server says who speaks, and little else. */
const MOST_HELD = 100

/** Throws what none of them could mend, and the signal's reason. */
export async function* askServers<Item>({
  models,
  wanted,
  signal,
  watch,
  ask,
  isProgress,
  tokensIn = () => 1,
  begunBy,
  whyNotOn = lost => lost,
}: AskServers<Item>): AsyncGenerator<Item, void, void> {
  const tried = new Set<PoolServer>()
  let weights = begunBy
  let begun = begunBy !== undefined
  let inVain = 0
  let suspicion = 0
  let unreached = 0
  for (let attempt = 1; ; attempt++) {
    const seatWanted = begun ? { ...wanted, tried, rank: ranks.begun, weights } : { ...wanted, tried }
    const { at, leave } = await models.seat(seatWanted, {
      signal,
      ...(watch.onPlace && { onPlace: watch.onPlace }),
      ...(watch.onWake && { onWake: watch.onWake }),
    })
    weights = at.server.weights
    watch.onServer?.(at.server.label, weights)
    const tookOver = begun
    let held: Item[] | undefined = begun ? undefined : []
    let made = 0
    try {
      for await (const item of ask(at, begun)) {
        if (isProgress(item)) {
          at.answered()
          inVain = 0
          made += tokensIn(item)
          begun = true
          if (held) yield* held
          held = undefined
        }
        if (!held) yield item
        else if (held.push(item) > MOST_HELD) throw new ServerLost('the model server says much, and makes no token')
      }
      if (held) yield* held
      return
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof ServerLost) at.lost()
      else if (mayBeWell(error)) at.doubted()
      else throw error
      tried.add(at)
      if (!wasReached(error)) unreached += 1
      else inVain += 1
      const whyNot = begun ? whyNotOn(error) : undefined
      if (whyNot !== undefined) throw whyNot
      if (wasReached(error)) {
        if (!begun) suspicion += error instanceof ServerLost ? 1 : 0
        else if (made >= SOON_TOKENS) suspicion = 0
        // A server that answers others lost this one alone, as by its network: that takes it from nobody.
        else if (tookOver) suspicion = (await at.makesTokens()) ? 0 : suspicion + 1
      }
      if (inVain === TRIES || suspicion === BROKEN_BY_ONE || unreached === MOST_UNREACHED) throw error
    } finally {
      leave()
    }
    watch.onRetry?.(attempt + 1)
  }
}

const wasReached = (error: unknown): boolean => !(error instanceof ServerLost) || error.reached

/** It failed at this request, and another may not: it is overloaded, or wrong inside. */
const mayBeWell = (error: unknown): boolean =>
  error instanceof ServerRefused && ((error.status >= 500 && error.status !== 501) || error.status === 429)
