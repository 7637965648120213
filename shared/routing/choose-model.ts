// Which model answers a request that leaves the choice to us: facts in, a decision and its reasons out. The same facts give the same decision
// everywhere, so that whoever knows them can show it.
import type { Choice, Comparison, Exclusion, Refusal } from './routing-reason.ts'

export interface ModelFacts {
  model: string
  /** Of prompt and answer together. */
  windowTokens: number
  /** Of a million tokens, in whichever currency; 0 where the operator told none. */
  promptPrice: number
  completionPrice: number
  /** A rank, or billions of parameters: only the order counts, the greater the better. 0 where the operator told none. */
  quality: number
  state: 'ready' | 'asleep' | 'down'
  /** Requests that wait, on the average of its servers. */
  waitingPerReplica: number
  /** As seen of its last answers; null: none yet. */
  tokensPerSecond: number | null
}

export interface RequestFacts {
  promptTokens: number
  /** By the model's own tokenizer; otherwise it is a guess, which refuses nobody. */
  counted: boolean
  /** The most that the answer may have; null: nothing was said. */
  completionTokens: number | null
  latency: Latency
  /** 0 to 1, by `difficultyOf`. */
  difficulty: number
}
export type Latency = 'fast' | 'balanced' | 'best'

export interface RoutingRules {
  /** null: all. */
  allowed: readonly string[] | null
  /** The most that a million tokens may cost, read or written; null: any price. */
  dearest: number | null
  /** The first is liked best. */
  preferred: readonly string[]
}

export interface RoutingFacts {
  /** Each with a name of its own, in whatever order. */
  models: readonly ModelFacts[]
  request: RequestFacts
  rules: RoutingRules
}

export type RoutingDecision =
  | {
      model: string
      /** The others that can answer, the best first. */
      runnersUp: string[]
      why: Choice
      /** Why each of the runners-up stands behind the chosen one, in their order. */
      behind: Comparison[]
      /** Why each of the rest can't answer. */
      excluded: Exclusion[]
    }
  | { model: null; why: Refusal; excluded: Exclusion[] }

/** Of an answer whose length nobody limits. */
const USUAL_ANSWER = 512
/** Guesses are this much short at times: code has fewer characters a token than prose, and templates have tokens of their own. */
const GUESS_MARGIN = 1.5
/** Of which on a model is busy: vLLM's pools are scaled out at about this. */
const BUSY = 5
/** A second start of vLLM, its caches warm, took 58 s. */
const WAKE_SECONDS = 60
const WAIT_SECONDS = 2
/** Where none was seen yet. */
const USUAL_SPEED = 30
/** Who wants it fast takes a smaller model for the same question. */
const FAST_SHARE = 0.5

/**
 * First goes what cannot answer: not allowed, too dear, too small a window, down. The others are compared in one respect after the other, in an
 * order that depends on the wish; the first in which two differ decides between them, and is the reason. In every respect a model that is better
 * stands before one that is not, so none is ever behind another that is no better in any.
 */
export function chooseModel({ models, request, rules }: RoutingFacts): RoutingDecision {
  const excluded: Exclusion[] = []
  const pass = (from: readonly ModelFacts[], why: (facts: ModelFacts) => Exclusion | undefined): ModelFacts[] =>
    from.filter(facts => {
      const reason = why(facts)
      if (reason) excluded.push(reason)
      return !reason
    })
  const refuse = (why: Refusal): RoutingDecision => ({ model: null, why, excluded })
  const byName = models.toSorted((one, other) => compare(one.model, other.model))
  if (byName.length === 0) return refuse({ code: 'no-models' })

  const allowed = pass(byName, ({ model }) =>
    rules.allowed && !rules.allowed.includes(model) ? { code: 'not-allowed', model } : undefined,
  )
  if (allowed.length === 0) return refuse({ code: 'none-allowed' })

  const dearest = rules.dearest ?? Infinity
  const affordable = pass(allowed, facts => {
    const price = Math.max(facts.promptPrice, facts.completionPrice)
    return price > dearest ? { code: 'too-dear', model: facts.model, price, dearest } : undefined
  })
  if (affordable.length === 0) return refuse({ code: 'all-too-dear', dearest })

  const neededTokens = promptOf(request) + (request.completionTokens ?? 1)
  const widest = widestOf(affordable, request, neededTokens)
  const fitting = pass(affordable, ({ model, windowTokens }) =>
    windowTokens < neededTokens && windowTokens !== widest ? { code: 'window-too-small', model, neededTokens, windowTokens } : undefined,
  )
  if (fitting.length === 0) {
    const { model, windowTokens } = affordable.reduce((best, one) => (one.windowTokens > best.windowTokens ? one : best))
    return refuse({ code: 'none-fits', model, neededTokens, windowTokens })
  }

  const up = pass(fitting, ({ model, state }) => (state === 'down' ? { code: 'down', model } : undefined))
  if (up.length === 0) return refuse({ code: 'all-down' })

  const wanted = wantedLevel(affordable, request)
  const order = orders[request.latency]
  const [best, ...others] = up.map(facts => measure(facts, request, rules, wanted)).toSorted((one, other) => differ(order, one, other).by)
  const behind = others.map(other => differ(order, best!, other).reason(request))
  const model = best!.facts.model
  const largest: Choice | undefined = widest === null ? undefined : { code: 'largest-window', model, windowTokens: widest }
  return {
    model,
    runnersUp: others.map(({ facts }) => facts.model),
    why: largest ?? behind[0] ?? { code: 'only-one', model },
    behind,
    excluded,
  }
}

const promptOf = ({ promptTokens, counted }: RequestFacts) => (counted ? promptTokens : Math.ceil(promptTokens * GUESS_MARGIN))

/** What a guess says that fits nowhere goes to the largest window there is, whose server counts it: of those that answer, where some do. */
function widestOf(models: readonly ModelFacts[], { counted }: RequestFacts, neededTokens: number): number | null {
  if (counted || models.some(({ windowTokens }) => windowTokens >= neededTokens)) return null
  const up = models.filter(({ state }) => state !== 'down')
  return Math.max(...(up.length > 0 ? up : models).map(({ windowTokens }) => windowTokens))
}

/** The quality that this question asks for: as far up among those of the models as it is difficult. */
function wantedLevel(models: readonly ModelFacts[], { difficulty, latency }: RequestFacts): number {
  const levels = [...new Set(models.map(({ quality }) => quality))].toSorted((one, other) => one - other)
  const share = latency === 'best' ? 1 : latency === 'fast' ? FAST_SHARE * difficulty : difficulty
  return levels[Math.round(share * (levels.length - 1))]!
}

interface Measured {
  facts: ModelFacts
  /** Each the smaller the better. */
  shortOfRoom: number
  shortOfQuality: number
  dislike: number
  asleep: number
  busy: number
  cost: number
  seconds: number
}

function measure(facts: ModelFacts, request: RequestFacts, { preferred }: RoutingRules, wanted: number): Measured {
  const { model, windowTokens, promptPrice, completionPrice, quality, state, waitingPerReplica, tokensPerSecond } = facts
  const answer = request.completionTokens ?? USUAL_ANSWER
  const liked = preferred.indexOf(model)
  const asleep = state === 'asleep' ? 1 : 0
  return {
    facts,
    shortOfRoom: promptOf(request) + answer > windowTokens ? 1 : 0,
    shortOfQuality: Math.max(0, wanted - quality),
    dislike: liked === -1 ? preferred.length : liked,
    asleep,
    busy: waitingPerReplica >= BUSY ? 1 : 0,
    cost: (request.promptTokens * promptPrice + answer * completionPrice) / 1_000_000,
    // In whole seconds: what was seen of a model's speed is not more exact.
    seconds: Math.ceil(asleep * WAKE_SECONDS + waitingPerReplica * WAIT_SECONDS + answer / (tokensPerSecond ?? USUAL_SPEED)),
  }
}

/** A respect in which models differ. */
interface Respect {
  of: (measured: Measured) => number
  reason: (one: Measured, than: Measured, request: RequestFacts) => Comparison
}

const names = (one: Measured, than: Measured) => ({ model: one.facts.model, than: than.facts.model })
const simple = (code: 'more-room' | 'higher-quality' | 'preferred' | 'awake', of: Respect['of']): Respect => ({
  of,
  reason: (one, than) => ({ code, ...names(one, than) }),
})
const room = simple('more-room', ({ shortOfRoom }) => shortOfRoom)
const quality = simple('higher-quality', ({ facts }) => -facts.quality)
const liking = simple('preferred', ({ dislike }) => dislike)
const wake = simple('awake', ({ asleep }) => asleep)
const suits: Respect = {
  of: ({ shortOfQuality }) => shortOfQuality,
  reason: (one, than, { difficulty }) => ({ code: 'suits-better', ...names(one, than), difficulty }),
}
const waiting: Respect = {
  of: ({ busy }) => busy,
  reason: (one, than) => ({
    code: 'less-waiting',
    ...names(one, than),
    waiting: one.facts.waitingPerReplica,
    waitingThan: than.facts.waitingPerReplica,
  }),
}
const cost: Respect = {
  of: measured => measured.cost,
  reason: (one, than) => ({ code: 'cheaper', ...names(one, than), cost: one.cost, costThan: than.cost }),
}
const time: Respect = {
  of: ({ seconds }) => seconds,
  reason: (one, than) => ({ code: 'faster', ...names(one, than), seconds: one.seconds, secondsThan: than.seconds }),
}

/** What weighs most comes first. */
const orders: Record<Latency, readonly Respect[]> = {
  fast: [room, wake, waiting, suits, liking, time, cost, quality],
  balanced: [room, suits, liking, wake, waiting, cost, quality, time],
  best: [room, quality, liking, wake, waiting, cost, time],
}

function differ(order: readonly Respect[], one: Measured, other: Measured): { by: number; reason: (request: RequestFacts) => Comparison } {
  for (const { of, reason } of order) {
    const by = of(one) - of(other)
    if (by !== 0) return { by, reason: request => reason(one, other, request) }
  }
  return { by: compare(one.facts.model, other.facts.model), reason: () => ({ code: 'by-name', ...names(one, other) }) }
}

/** By code units, as everywhere the same; not by a language's order. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
