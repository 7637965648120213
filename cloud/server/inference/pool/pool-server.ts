// One server of the pool: what it has, whether it answers, and how busy it is.
import { createModelServer, type ListedModel, type ModelServer, type ServerAddress } from '../model-server.ts'
import { createBreaker } from './breaker.ts'
import { createEngineAccount, type EngineDrift } from './engine-account.ts'
import { createPrefixIndex, type PrefixIndex } from './prefix-index.ts'
import { BLOCK_CHARACTERS } from './prefix-blocks.ts'
import { readServerMetrics } from './server-metrics.ts'

/** So often it is asked what it has; one that came back is used after so long at most. */
const LOOK_MS = 2_000
/** So often a server that is down is thought of: its breaker says when it is tried. */
const WAKE_MS = 100
/** One that made no token for so long is tried, too: its process may answer while its GPU hangs. */
const SILENT_MS = 30_000
/** Whoever asks whether it lives has an answer that waits to be gone on with. */
const ALIVE_MS = 5_000
/** Figures that were read so long ago say nothing of now. */
const METRICS_MS = 6_000
/** vLLM computes so many at once where nothing else is said (`--max-num-seqs`). */
const SLOTS = 256
/** Of English text; only the size of the index depends on it. */
const CHARACTERS_PER_TOKEN = 4

export type PoolAddress = ServerAddress & {
  /** Requests of ours that it is to have at once. */
  slots?: number
  /** It is put to sleep (vLLM's sleep mode) when nobody asked for so long; it is woken when somebody does. */
  sleepAfterSeconds?: number
}

export interface PoolServer {
  server: ModelServer
  prefixes: PrefixIndex
  /** What it has, or had when it answered last. */
  listed(): readonly ListedModel[]
  has(model: string): boolean
  up(): boolean
  /** It answers, and its model is not in its GPU's memory. */
  asleep(): boolean
  waking(): boolean
  /** Wakes it and warms it up; never throws. */
  wake(): Promise<void>
  /** It is up, or was a moment ago. */
  upLately(): boolean
  /** Requests of ours that it has, from the moment at which it was chosen. */
  held(): number
  /** The same, and those that others sent it, by its own figures. */
  load(): number
  /** Of ours, at most. */
  slots: number
  /** It has as many of ours as it is to have. */
  full(): boolean
  /** Takes a seat; whoever has it gives it back once. */
  take(): void
  giveBack(): void
  /** It broke off. */
  lost(): void
  /** It failed at a request, and may be well: it is tried at the next look. */
  doubted(): void
  /** It made a token. */
  answered(): void
  /** Whether it makes one now, in 5 s; never throws. */
  makesTokens(): Promise<boolean>
  /** Whether it made one for anybody within so many ms, or makes one within as many; never throws. */
  isWell(withinMs: number): Promise<boolean>
  close(): Promise<void>
}

/** Looks at it from now on, until `close`. `onLook` is called after each look, with whether it answered. */
export function createPoolServer(
  address: PoolAddress,
  {
    now,
    onLook,
    onDrift,
    longestAnswerMs,
  }: { now: () => number; onLook: () => void; onDrift: (drift: EngineDrift) => void; longestAnswerMs: number },
): PoolServer & { looked: Promise<void> } {
  const account = createEngineAccount({ onDrift })
  const server = createModelServer(address, { longestAnswerMs, account })
  const slots = address.slots ?? SLOTS
  const breaker = createBreaker(now)
  const prefixes = createPrefixIndex()
  let listed: readonly ListedModel[] = []
  let held = 0
  let answeredAt = -Infinity
  let doubted = false
  let upAt = -Infinity
  let others = { requests: 0, seenAt: -Infinity }
  let closed = false
  const sleepAfterMs = address.sleepAfterSeconds === undefined ? undefined : address.sleepAfterSeconds * 1000
  let sleeping = false
  let waking: Promise<void> | undefined
  /** One trial for all that ask at the same time. */
  let trying: Promise<boolean> | undefined
  let usedAt = now()

  async function try_(patienceMs?: number): Promise<void> {
    const [first] = listed
    if (first) await server.tryOut(first.id, patienceMs)
    answeredAt = now()
    doubted = false
  }

  const passes = (patienceMs: number): Promise<boolean> =>
    try_(patienceMs).then(
      () => true,
      () => false,
    )

  async function look(): Promise<void> {
    if (!breaker.isClosed() && !breaker.trialDue()) return
    try {
      listed = await server.models()
      if (sleepAfterMs !== undefined) {
        if (waking) return
        sleeping = await server.isAsleep()
        if (sleeping) return
      }
      if (!breaker.isClosed()) {
        await try_()
        prefixes.clear()
      } else if (now() - answeredAt > SILENT_MS && (held === 0 || doubted)) await try_()
      breaker.passed()
      upAt = now()
    } catch {
      return breaker.lost()
    }
    await readMetrics().catch(() => undefined)
    if (sleepAfterMs !== undefined && held === 0 && now() - usedAt > sleepAfterMs && load() === 0) await fallAsleep()
  }

  async function fallAsleep(): Promise<void> {
    // Whoever comes from now on wakes it.
    sleeping = true
    await server.sleep().catch(() => (sleeping = false))
  }

  async function wakeUp(): Promise<void> {
    try {
      await server.wakeUp()
      // The first tokens after a wake are slow: they are nobody's.
      const [first] = listed
      if (first) await server.warmUp(first.id)
      answeredAt = now()
      usedAt = now()
      prefixes.clear()
      sleeping = false
      breaker.passed()
      upAt = now()
    } catch {
      // It is looked at again in a moment.
      breaker.lost()
    } finally {
      waking = undefined
      onLook()
    }
  }

  const load = () => held + (now() - others.seenAt < METRICS_MS ? others.requests : 0)

  async function readMetrics(): Promise<void> {
    const metrics = readServerMetrics((await server.metrics()) ?? '')
    if (!metrics) return
    // What it has beyond ours is of other servers of this cloud, or of somebody else.
    others = { requests: Math.max(0, metrics.running + metrics.waiting - held), seenAt: now() }
    // With something under way the two are apart for a while.
    if (metrics.madeTokens !== null && held === 0 && metrics.running + metrics.waiting === 0) account.seen(metrics.madeTokens)
    if (metrics.cacheTokens !== null) prefixes.resize(Math.round((metrics.cacheTokens * CHARACTERS_PER_TOKEN) / BLOCK_CHARACTERS))
  }

  /** Each by itself: one that hangs keeps no other from being seen to. */
  async function keepLooking(): Promise<void> {
    await look()
    onLook()
    if (!closed) setTimeout(() => void keepLooking(), breaker.isClosed() ? LOOK_MS : WAKE_MS).unref()
  }

  return {
    server,
    prefixes,
    looked: keepLooking(),
    listed: () => listed,
    has: model => listed.some(({ id }) => id === model),
    up: () => breaker.isClosed() && !sleeping,
    asleep: () => sleeping,
    waking: () => waking !== undefined,
    wake: () => (waking ??= wakeUp()),
    upLately: () => (breaker.isClosed() && !sleeping) || now() - upAt < SILENT_MS,
    held: () => held,
    load,
    slots,
    full: () => held >= slots,
    take() {
      held += 1
      usedAt = now()
    },
    giveBack() {
      held -= 1
      usedAt = now()
    },
    lost: breaker.lost,
    doubted() {
      doubted = true
      answeredAt = -Infinity
    },
    answered: () => void (answeredAt = now()),
    makesTokens: () => passes(ALIVE_MS),
    async isWell(withinMs) {
      if (now() - answeredAt < withinMs) return true
      trying ??= passes(withinMs).finally(() => (trying = undefined))
      return trying
    },
    async close() {
      closed = true
      await server.close()
    },
  }
}
