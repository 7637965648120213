// The models that the cloud answers with, the servers that have them, and who is seated where.
import type { CloudModel } from '@fusion/shared/contract/cloud/models.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { request } from 'undici'
import { chooseServer, isNewTo } from './pool/choose-server.ts'
import type { EngineDrift } from './pool/engine-account.ts'
import { createPoolServer, type PoolAddress, type PoolServer } from './pool/pool-server.ts'
import { createWaitingLine, type WaitingLine } from './pool/waiting-line.ts'

export interface ServerHealth {
  /** Host and port. */
  server: string
  up: boolean
  models: string[]
  inFlight: number
}

/** Who comes first when servers are full. */
export const ranks = {
  /** An answer that has begun. */
  begun: 0,
  person: 1,
  program: 2,
  /** What may wait: `service_tier: "flex"`, OpenAI's word for it. */
  batch: 3,
} as const

export interface Wanted {
  model: string
  /** Whose turn it is among others. */
  who: string
  rank: number
  /** Of the prompt; see `prefixBlocks`. */
  blocks: readonly number[]
  /** Those that broke off for this very request: asked again only where there is no other. */
  tried?: ReadonlySet<PoolServer>
  /** Only servers with these weights, for an answer that goes on; see `MODEL_SERVERS`. */
  weights?: string | undefined
}

/** A place at a server. It is left once, whatever happened there. */
export interface Seat {
  at: PoolServer
  leave(): void
}

export interface SeatOptions {
  signal: AbortSignal
  /** Told while it waits, whenever it changes: how many have their turn before it. */
  onPlace?: (ahead: number) => void
  /** Told once, where a server is woken for it. */
  onWake?: () => void
}

export interface ModelsOptions {
  servers: readonly PoolAddress[]
  /** Of models whose servers are all gone while nobody asks: how they are called back. */
  scaledToZero?: readonly ScaledToZero[]
  /** The longest that a request waits for a free server. */
  queueSeconds?: number
  /** What a server says it made and what its answers told differ by more than one in a hundred. */
  onDrift?: (server: string, drift: EngineDrift) => void
  /** The longest that one answer may take. */
  longestAnswerMs?: number
  now?: () => number
}

/** A model that may have no server at all, until one is asked for. */
export interface ScaledToZero {
  model: string
  /** A POST to it with `{"model": …}` brings a server. */
  wakeUrl: string
}

export type Models = ReturnType<typeof createModels>

/**
 * Where no server answers, but one did a moment ago, it is waited for: most come back within seconds, or another one does. Shorter than the headers of
 * a stream are held back, so that a program is told by status.
 */
const GRACE_MS = 4_000
/** A server that is woken, or called back, is waited for so long. */
const WAKE_MS = 300_000
/** A model is called back so often while it is asked for. */
const CALL_MS = 10_000
/** How often those that wait are looked after. */
const TEND_MS = 250
/** Of one model: more do not fit into memory well, and none of them would have a turn in time. */
const LONGEST_LINE = 2_000
/** How much the last answer counts in what is expected of the next. */
const WEIGHT = 0.1

interface Waiting {
  wanted: Wanted
  since: number
  downSince: number | undefined
  told: number
  toldWake: boolean
  place: { leave(): void; ahead(): number }
  options: SeatOptions
  end: (error: unknown) => void
}

/** Looks at its servers from now on, until `close`. */
export function createModels({
  servers,
  scaledToZero = [],
  queueSeconds = 60,
  onDrift = () => {},
  longestAnswerMs = 600_000,
  now = () => performance.now(),
}: ModelsOptions) {
  const patienceMs = queueSeconds * 1000
  const lines = new Map<string, WaitingLine>()
  const waiting = new Set<Waiting>()
  /** When each last got a prompt that begins as none before, counted in such prompts. */
  const newAt = new Map<PoolServer, number>()
  let news = 0
  /** How long a seat is held, in ms. */
  const heldMs = new Map<string, number>()
  let known: (PoolServer & { key: string; looked: Promise<void> })[] = []
  /** Not asked any more; they finish what they are at. */
  const leaving = new Set<PoolServer>()
  /** When a model was called back last. */
  const called = new Map<string, number>()
  const tending = setInterval(tend, TEND_MS)
  tending.unref()
  let closed = false
  setServers(servers)

  /** These, from now on: those that are new are looked at first, those that are not named any more finish what they are at. */
  function setServers(addresses: readonly PoolAddress[]): void {
    const wanted = new Map(addresses.map(address => [JSON.stringify(address), address]))
    for (const one of known) {
      if (wanted.has(one.key)) continue
      leaving.add(one)
      letGo(one)
    }
    const kept = new Map(known.map(one => [one.key, one]))
    known = [...wanted].map(
      ([key, address]) =>
        kept.get(key) ?? {
          ...createPoolServer(address, {
            now,
            onLook: callAll,
            onDrift: drift => onDrift(new URL(address.url).host, drift),
            longestAnswerMs,
          }),
          key,
        },
    )
  }

  function letGo(one: PoolServer): void {
    if (!leaving.has(one) || one.held() > 0) return
    leaving.delete(one)
    newAt.delete(one)
    void one.close()
  }

  const having = (model: string, weights?: string) =>
    known.filter(one => one.has(model) && (weights === undefined || one.server.weights === weights))

  /** Those that may be asked, full ones included. */
  function open({ model, tried, weights }: Wanted): PoolServer[] {
    const up = having(model, weights).filter(one => one.up())
    const untried = up.filter(one => !tried?.has(one))
    return untried.length > 0 ? untried : up
  }

  const asleep = ({ model, weights }: Wanted) => having(model, weights).filter(one => one.asleep())
  const isWaking = (wanted: Wanted) =>
    having(wanted.model, wanted.weights).some(one => one.waking()) || now() - (called.get(wanted.model) ?? -Infinity) < WAKE_MS
  const zeroOf = (model: string) => scaledToZero.find(one => one.model === model)

  /** Wakes a server for it, or calls one back; false where there is none to be woken. */
  function wake(wanted: Wanted): boolean {
    if (having(wanted.model, wanted.weights).some(one => one.waking())) return true
    const [sleeper] = asleep(wanted)
    if (sleeper) {
      void sleeper.wake()
      return true
    }
    const zero = having(wanted.model).some(one => one.up()) ? undefined : zeroOf(wanted.model)
    if (!zero) return false
    if (now() - (called.get(wanted.model) ?? -Infinity) < CALL_MS) return true
    called.set(wanted.model, now())
    void callBack(zero)
    return true
  }

  /** Seats it now, or not at all. */
  function take(wanted: Wanted): Seat | undefined {
    const { model, blocks } = wanted
    const free = open(wanted).filter(one => !one.full())
    if (free.length === 0) return undefined
    const candidates = free.map(one => ({
      one,
      load: one.load(),
      slots: one.slots,
      matched: one.prefixes.matched(blocks),
      newAt: newAt.get(one) ?? 0,
    }))
    const { one } = chooseServer(candidates, { blocks: blocks.length })
    if (isNewTo(candidates)) newAt.set(one, ++news)
    one.take()
    one.prefixes.read(blocks)
    const since = now()
    let left = false
    return {
      at: one,
      leave() {
        if (left) return
        left = true
        one.giveBack()
        const before = heldMs.get(model) ?? now() - since
        heldMs.set(model, before + WEIGHT * (now() - since - before))
        for (const { id } of one.listed()) lines.get(id)?.call()
        letGo(one)
      },
    }
  }

  function callAll(): void {
    for (const line of lines.values()) while (line.call());
  }

  /** Seconds until one that comes now has its turn, as far as can be said. */
  function expectedSeconds(wanted: Wanted, ahead: number): number {
    const slots = open(wanted).reduce((sum, one) => sum + one.held(), 0)
    return ((heldMs.get(wanted.model) ?? 0) * (ahead + 1)) / Math.max(1, slots) / 1000
  }

  const tooLong = (wanted: Wanted, ahead: number) =>
    failure('line-too-long', { seconds: Math.max(1, Math.ceil(expectedSeconds(wanted, ahead))) }, { retryable: true })

  function wait(wanted: Wanted, options: SeatOptions): Promise<Seat> {
    const line = lines.get(wanted.model) ?? createWaitingLine()
    lines.set(wanted.model, line)
    return new Promise((resolve, reject) => {
      const { signal } = options
      const leave = () => end(signal.reason)
      function done() {
        waiting.delete(mine)
        signal.removeEventListener('abort', leave)
        if (line.size() === 0) lines.delete(wanted.model)
      }
      function end(error: unknown) {
        place.leave()
        done()
        reject(error)
      }
      const place = line.enter({
        who: wanted.who,
        rank: wanted.rank,
        ready: () => open(wanted).some(one => !one.full()),
        go() {
          done()
          resolve(take(wanted)!)
        },
        displace: () => end(tooLong(wanted, place.ahead())),
        placed: ahead => tell(mine, ahead),
      })
      const mine: Waiting = { wanted, since: now(), downSince: undefined, told: -1, toldWake: false, place, options, end }
      const ahead = place.ahead()
      const isUp = open(wanted).length > 0
      if (isUp && wanted.rank !== ranks.begun && expectedSeconds(wanted, ahead) * 1000 > patienceMs) {
        place.leave()
        if (line.size() === 0) lines.delete(wanted.model)
        return reject(tooLong(wanted, ahead))
      }
      waiting.add(mine)
      signal.addEventListener('abort', leave, { once: true })
      // Whoever sent most of them has the last turn: nobody else is kept out by a full line.
      if (line.size() > LONGEST_LINE) line.displaceLast()
      if (!waiting.has(mine)) return
      // The others of the line may all wait for what this one does not need.
      while (line.call());
      if (!waiting.has(mine)) return
      if (!isUp && wake(wanted)) tellWake(mine)
      tell(mine, place.ahead())
    })
  }

  function tell(one: Waiting, ahead: number): void {
    // One that waits for a server to come back is in no line.
    if (ahead === one.told || open(one.wanted).length === 0) return
    one.told = ahead
    one.options.onPlace?.(ahead)
  }

  function tellWake(one: Waiting): void {
    if (one.toldWake) return
    one.toldWake = true
    one.options.onWake?.()
  }

  function tend(): void {
    for (const one of waiting) {
      const isUp = open(one.wanted).length > 0
      // One more is woken where none is up, and where those that are have no free seat.
      const woken = wake(one.wanted)
      if (woken && !isUp) tellWake(one)
      if (woken && !isUp && isWaking(one.wanted)) {
        if (now() - one.since > WAKE_MS) one.end(down())
        continue
      }
      one.downSince = isUp ? undefined : (one.downSince ?? now())
      if (one.downSince !== undefined && now() - one.downSince > GRACE_MS) one.end(down())
      else if (now() - one.since > patienceMs) one.end(isUp ? tooLong(one.wanted, one.place.ahead()) : down())
    }
    for (const line of lines.values()) line.tellPlaces()
  }

  const down = () => failure('model-servers-down', {}, { retryable: true })

  return {
    /** Resolves when every server was asked once. */
    get looked(): Promise<void[]> {
      return Promise.all(known.map(one => one.looked))
    },
    list(): CloudModel[] {
      const names = [...new Set([...known.flatMap(one => one.listed().map(({ id }) => id)), ...scaledToZero.map(({ model }) => model)])]
      return names.toSorted().map(id => ({
        id,
        object: 'model',
        created: 0,
        owned_by: 'fusion',
        max_model_len: windowOf(id) ?? 1,
        fusion: { name: id, quantization: null, state: stateOf(id) },
      }))
    },
    setServers,
    /** Whether a server has it, or had it when it last answered, or can be called back. */
    has: (model: string): boolean => having(model).length > 0 || zeroOf(model) !== undefined,
    windowOf,
    servers: (): ServerHealth[] =>
      known.map(one => ({
        server: one.server.label,
        up: one.up(),
        models: one.listed().map(({ id }) => id),
        inFlight: one.held(),
      })),
    /** How many wait for a free server of a model. */
    waiting: (model: string): number => lines.get(model)?.size() ?? 0,
    /**
     * A place at the best server for this request, waited for where all are full. Throws `cloud-model-unknown` where none has the model,
     * `model-servers-down` where none of those answers, `line-too-long` where it can't be seated in time, and the signal's reason.
     */
    async seat(wanted: Wanted, options: SeatOptions): Promise<Seat> {
      const { model, weights } = wanted
      if (options.signal.aborted) throw options.signal.reason
      const here = having(model, weights)
      const canWake = asleep(wanted).length > 0 || zeroOf(model) !== undefined
      if (closed) throw down()
      if (here.length === 0 && !canWake) throw known.some(one => one.up()) ? failure('cloud-model-unknown', { model }) : down()
      if (!canWake && !here.some(one => one.upLately() || one.waking())) throw down()
      // Whoever waits comes before one that comes now.
      const seated = lines.has(model) ? undefined : take(wanted)
      return seated ?? wait(wanted, options)
    },
    /** For /readyz: rejects where no server answers. */
    async check(): Promise<void> {
      await this.looked
      if (!known.some(one => one.up())) throw new Error('no model server answers')
    },
    async close(): Promise<void> {
      closed = true
      clearInterval(tending)
      for (const one of waiting) one.end(down())
      await Promise.all([...known, ...leaving].map(one => one.close()))
    },
  }

  function stateOf(model: string): CloudModel['fusion']['state'] {
    if (having(model).some(one => one.up())) return 'ready'
    return having(model).some(one => one.asleep() || one.waking()) || zeroOf(model) ? 'asleep' : 'down'
  }

  async function callBack({ model, wakeUrl }: ScaledToZero): Promise<void> {
    // Whether it was heard is seen when a server is there.
    await request(wakeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model }),
      signal: AbortSignal.timeout(CALL_MS),
    })
      .then(({ body }) => body.dump())
      .catch(() => undefined)
  }

  /** The smallest of its servers': whichever answers, it fits. undefined: no server has it. */
  function windowOf(model: string): number | undefined {
    const here = having(model)
    if (here.length === 0) return undefined
    return Math.max(1, Math.min(...here.map(one => one.listed().find(({ id }) => id === model)?.max_model_len ?? 0)))
  }
}
