// The one way to Redis. Whoever asks gets an answer soon, or hears soon that there is none, and goes on without.
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, Redis, ReplyError } from 'ioredis'

export type RedisClient = Redis | Cluster

/** Redis does not answer: whoever asks goes on without it. */
export class RedisGone extends Error {}

export interface SharedRedis {
  state(): 'connected' | 'gone'
  /** Resolves when it is known whether Redis is there. */
  opened: Promise<void>
  /** Throws `RedisGone`: at once where Redis is known to be gone, and within 150 ms where it has just gone. */
  ask<T>(work: (client: RedisClient) => Promise<T>): Promise<T>
  /** How often something was answered, how often that was done without Redis, and how often Redis went. */
  counts(): { answered: number; refused: number; outages: number }
  close(): Promise<void>
}

export interface RedisOptions {
  /** One address, or the nodes of a Cluster with commas between. */
  url: string
  onChange?: (state: 'connected' | 'gone', error?: unknown) => void
}

/** Redis answers in less than a millisecond; a request waits at most this long for one that hangs. */
const ANSWER_MS = 150
const CONNECT_MS = 1_000
/** Between tries to come back; doubled from the first to the last. */
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 2_000
/** One that goes again sooner than this is given a longer pause each time, so that half of a Cluster does not delay every request. */
const STEADY_MS = 5_000

/** What a Redis answers that can't do its work: replaced by another, still loading, without its other nodes, out of memory or disk. */
const unable = /^(?:READONLY|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM|MISCONF|NOAUTH|NOREPLICAS|UNBLOCKED|MOVED|ASK)\b/

export function openRedis({ url, onChange = () => {} }: RedisOptions): SharedRedis {
  const closing = new AbortController()
  const counts = { answered: 0, refused: 0, outages: 0 }
  let state: 'connected' | 'gone' = 'gone'
  let client = make()
  let masters = 1
  let connectedAt = 0
  let pause = FIRST_PAUSE_MS

  /** It waits for nothing and tries nothing twice: what to do about a lost connection is said below, once. */
  function make(): RedisClient {
    const made = makeClient(url)
    // Whoever asked is told; an error of a connection that nobody uses says no more than its end does.
    made.on('error', () => {})
    made.on('end', () => lose(made))
    return made
  }

  function lose(which: RedisClient, error?: unknown): void {
    if (which !== client || state === 'gone' || closing.signal.aborted) return
    state = 'gone'
    counts.outages++
    pause = performance.now() - connectedAt < STEADY_MS ? Math.min(pause * 2, LAST_PAUSE_MS) : FIRST_PAUSE_MS
    onChange('gone', error)
    void comeBack(pause)
  }

  /** A client that does not answer is replaced by a new one, until one does. */
  async function comeBack(firstPauseMs: number): Promise<void> {
    let pauseMs = firstPauseMs
    while (!closing.signal.aborted && !(await answers())) {
      await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
      await replace().catch(() => {})
    }
  }

  async function replace(): Promise<void> {
    client.disconnect()
    if (closing.signal.aborted) return
    client = make()
    await within(CONNECT_MS, client.connect())
    masters = client instanceof Cluster ? client.nodes('master').length : 1
  }

  /** Each master of a Cluster has to, and none may be missing; and it has to take what is written. */
  async function answers(): Promise<boolean> {
    try {
      const nodes = client instanceof Cluster ? client.nodes('master') : [client]
      if (nodes.length < masters) return false
      await within(ANSWER_MS, Promise.all([...nodes.map(node => node.ping()), client.set('fusion:answers', '1', 'PX', 60_000)]))
    } catch {
      return false
    }
    if (closing.signal.aborted) return false
    state = 'connected'
    connectedAt = performance.now()
    onChange('connected')
    return true
  }

  async function open(): Promise<void> {
    await replace().catch(() => {})
    if (!(await answers())) {
      onChange('gone')
      void comeBack(FIRST_PAUSE_MS)
    }
  }

  return {
    state: () => state,
    opened: open(),
    async ask(work) {
      const asked = client
      if (state === 'gone') {
        counts.refused++
        throw new RedisGone('Redis does not answer')
      }
      try {
        const answer = await within(ANSWER_MS, work(asked))
        counts.answered++
        return answer
      } catch (error) {
        if (error instanceof ReplyError && !unable.test((error as Error).message)) throw error
        counts.refused++
        lose(asked, error)
        throw new RedisGone('Redis does not answer', { cause: error })
      }
    },
    counts: () => ({ ...counts }),
    async close() {
      closing.abort()
      client.disconnect()
    },
  }
}

function makeClient(url: string): RedisClient {
  const addresses = url.split(',').map(address => new URL(address))
  const [first] = addresses
  const secure = first!.protocol === 'rediss:'
  const shared = {
    ...(first!.username && { username: decodeURIComponent(first!.username) }),
    ...(first!.password && { password: decodeURIComponent(first!.password) }),
    ...(secure && { tls: {} }),
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    protocol: 2,
  } as const
  const nodes = addresses.map(({ hostname, port }) => ({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379) }))
  if (nodes.length > 1)
    return new Cluster(nodes, {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: () => null,
      slotsRefreshTimeout: CONNECT_MS,
      maxRedirections: 3,
      redisOptions: shared,
      // A certificate is for the name of a node, not for the number that the name stands for.
      ...(secure && { dnsLookup: (name, found) => found(null, name) }),
    })
  return new Redis({
    ...shared,
    ...nodes[0]!,
    db: Number(first!.pathname.slice(1) || 0),
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  })
}

/** Rejects after so many milliseconds. An answer that came while this process was busy counts: it is looked for once more. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => setImmediate(() => reject(new Error(`no answer within ${ms} ms`))), ms)
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
