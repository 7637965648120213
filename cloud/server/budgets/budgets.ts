// What a request may use. As much as it may need is reserved before it begins, atomically for all servers, and settled once at its end.
import type { TokenGuess } from '@fusion/shared/chat/token-guess.ts'
import type { GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { type Budget, usedByKey, usedSince } from '../../database/budgets.ts'
import type { Database } from '../../database/connection.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { Rules } from '../policies/rules.ts'
import type { Claim, Counters } from './counters.ts'
import type { Cost, Prices } from './prices.ts'

export interface BudgetsOptions {
  database: Database
  counters: Counters
  prices: Prices
  rules: Rules
  /** Taught by whoever hears a model's own count. */
  guess: Pick<TokenGuess, 'tokens'>
  clock: Clock
  /** What was counted and what the ledger says differ by more than one in a hundred. */
  onDrift?: (drift: { counted: number; ledger: number }) => void
}

/** How much of which budget is gone, where little is left. */
export interface BudgetWarning {
  whose: Budget['whose']
  measure: Measure
  /** 0 to 1. */
  usedShare: number
}

type Measure = 'tokens-a-minute' | 'tokens-a-month' | 'money-a-month'

/** What one request has reserved. */
export interface Reservation {
  warning: BudgetWarning | null
  /** Its prompt was counted, and it needs so many tokens in all: what is missing is reserved. Throws the failure where there is no more. */
  ensure(tokens: number): Promise<void>
  /** So many tokens were read and written by now: more is reserved where that is beyond what is. Aborts `ends` where there is no more. */
  cover(tokens: number): void
  /** With the failure that ends the request, and keeps what was made; undefined where nothing will. */
  ends: AbortSignal | undefined
  /** Once, at its end; nobody waits for it. */
  settle(usage: GenerationUsage, cost: Cost): void
  /** It never began: nothing was used. The same request may be asked for again. */
  giveBack(): void
}

/** A reservation of nothing, for whoever has no budget. */
export const freeReservation: Reservation = {
  warning: null,
  ensure: async () => {},
  cover: () => {},
  ends: undefined,
  settle: () => {},
  giveBack: () => {},
}

export interface Needed {
  /** Of nothing else in its organisation: what is reserved under it is reserved once. */
  requestId: string
  model: string
  /** What it reads, whose length is guessed. */
  text: string
  /** Pictures that it reads beside it. */
  pictures?: number
  /** The most that one answer may have; null: nobody said. */
  completionTokens: number | null
  /** So many are asked for at once. */
  answers: number
  /** It can be ended at any token. */
  streams: boolean
  /** Tokens that the window of the model holds. */
  windowTokens: number
}

/** As what the length of prompts is learned: what one organisation sends beside its text, as pictures, is no measure for another. */
export const learnedAs = ({ organisationId }: Pick<Caller, 'organisationId'>, model: string): string => `${organisationId} ${model}`

export type Budgets = ReturnType<typeof createBudgets>

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** The longest answer takes ten minutes. */
const EXPIRE_MS = 15 * MINUTE_MS
/**
 * Reserved for each picture, which is settled by what the server counted. Most models count fewer for their largest: Gemma 3 256, LLaVA-NeXT 2,880, InternVL
 * 3,328, Pixtral 4,160, Llama 3.2 6,404, Qwen-VL one for 28 × 28 pixels, so this is 6 million of them (of its most, 16,384 tokens, the rest is taken
 * when it was counted).
 */
const PICTURE_TOKENS = 8_192
/** Reserved at a time for an answer of which nobody said how long it may be. */
const STEP_TOKENS = 4_096
/** With less than this left of a budget, an answer makes no sense. */
const LEAST_TOKENS = 256
/** More is reserved when so little is left, so that it is there in time. */
const MARGIN_TOKENS = 256
/** Nobody has so many, and Redis still counts with them. */
const MOST_TOKENS = 1e12
const WARN_AT = 0.9
const RECONCILE_MS = 60_000
const DRIFT = 0.01
/** Fewer are no drift, whatever they are of. */
const LEAST_DRIFT = 1_000

/** A limit that holds for a request. */
interface Held {
  whose: Budget['whose']
  measure: Measure
  limit: number
  /** Whose it is, in keys. */
  scope: string
}

export function createBudgets({ database, counters, prices, rules, guess, clock, onDrift = () => {} }: BudgetsOptions) {
  /** Counts of months that were used since they were last held against the ledger. */
  const recent = new Map<string, { organisationId: string; scope: string; measure: Measure; key: string }>()
  const reconciling = setInterval(() => void reconcile().catch(() => {}), RECONCILE_MS)
  reconciling.unref()

  const moneyOf = (model: string, promptTokens: number, completionTokens: number) =>
    prices.costOf(model, { promptTokens, completionTokens }).cost

  function claimOf({ scope, measure, limit }: Held, amount: number): Claim {
    const now = clock()
    if (measure === 'tokens-a-minute') {
      const minute = Math.floor(now / MINUTE_MS)
      const key = (at: number) => `${scope}:${measure}:${at}`
      // What is left of the minute before, as if it had been used evenly: so the limit holds over any minute.
      const weight = 1 - (now % MINUTE_MS) / MINUTE_MS
      return { key: key(minute), limit, amount, keepMs: 2 * EXPIRE_MS, seeded: false, before: { key: key(minute - 1), weight } }
    }
    const { name, ends } = monthOf(now)
    return { key: `${scope}:${measure}:${name}`, limit, amount, keepMs: ends - now + 24 * HOUR_MS, seeded: true }
  }

  async function usedOf(organisationId: string, scope: string): Promise<{ tokens: number; cost: number }> {
    const now = clock()
    const since = monthOf(now).begins
    // The hour before this one may not be added up whole yet.
    const rowsFrom = new Date(Math.max(since, Math.floor(now / HOUR_MS) * HOUR_MS - HOUR_MS))
    const [kind, of = ''] = scope.split('=', 2)
    const asked = { organisationId, since: new Date(since), rowsFrom }
    if (kind === 'key') return usedByKey(database, of, asked.since)
    if (kind === 'person') return usedSince(database, { ...asked, userId: of })
    return usedSince(database, kind === 'model' ? { ...asked, model: decodeURIComponent(of) } : asked)
  }

  async function take(organisationId: string, id: string, held: readonly Held[], claims: Claim[], more: boolean) {
    for (let attempt = 0; ; attempt++) {
      const reserved = await counters.reserve({ organisationId, id, claims, expireMs: EXPIRE_MS, more })
      if (reserved.outcome !== 'unseeded' || attempt === 3) return reserved
      for (const key of reserved.keys) {
        const index = claims.findIndex(claim => claim.key === key)
        const { scope, measure } = held[index]!
        const used = await usedOf(organisationId, scope)
        await counters.seed(organisationId, key, measure === 'money-a-month' ? used.cost : used.tokens, claims[index]!.keepMs)
      }
    }
  }

  async function reserve(caller: Caller, needed: Needed): Promise<Reservation> {
    const { budgets } = await rules.of(caller)
    const held = heldBy(budgets, caller, needed.model)
    if (held.length === 0) return freeReservation
    const { organisationId } = caller
    const { requestId, model, text, pictures = 0, completionTokens, answers, streams, windowTokens } = needed
    const textTokens = guess.tokens(learnedAs(caller, model), text)
    // No prompt is read that is longer than the window.
    const promptTokens = Math.max(textTokens, Math.min(windowTokens, textTokens + pictures * PICTURE_TOKENS))
    const room = Math.max(1, windowTokens - textTokens)
    const grows = completionTokens === null && streams
    // Where nobody said how long the answer may be, it is reserved for step by step; less of it where less is left.
    const wishes = grows
      ? [Math.min(room, STEP_TOKENS), Math.min(room, LEAST_TOKENS)]
      : [Math.min(MOST_TOKENS, Math.min(completionTokens ?? room, room) * answers)]
    const claimed = (prompt: number, completion: number) =>
      held.map(one => claimOf(one, one.measure === 'money-a-month' ? moneyOf(model, prompt, completion) : prompt + completion))
    /** Every key of which something was taken: a minute's stays that of the beginning. */
    const taken: Claim[] = []
    let tokens = 0
    let used: number[] | undefined
    for (const completion of wishes) {
      const claims = claimed(promptTokens, completion)
      const reserved = await take(organisationId, requestId, held, claims, false)
      if (reserved.outcome === 'reserved') {
        taken.push(...claims)
        tokens = promptTokens + completion
        used = reserved.used
        break
      }
      if (reserved.outcome === 'refused' && completion === wishes.at(-1))
        throw refusal(held[reserved.index]!, reserved.used, claims[reserved.index]!)
    }
    // The ledger could not be read in three tries: it is as if the database were away.
    if (!used) throw failure('cloud-part-missing', undefined, { retryable: true })

    for (const [index, { scope, measure }] of held.entries()) {
      const { key, seeded } = taken[index]!
      if (seeded) recent.set(`${organisationId} ${key}`, { organisationId, scope, measure, key })
    }
    const ends = new AbortController()
    let growing = false
    let over: unknown
    /** Less of it where less is left. */
    async function grow(steps: readonly number[]): Promise<void> {
      for (const step of steps) {
        const claims = claimed(0, step)
        const reserved = await take(organisationId, requestId, held, claims, true).catch(() => undefined)
        // Where nobody can be asked the answer goes on: what it used is counted at its end.
        if (reserved?.outcome !== 'refused') {
          if (reserved) taken.push(...claims)
          tokens += step
          break
        }
        if (step === steps.at(-1)) over = refusal(held[reserved.index]!, reserved.used, claims[reserved.index]!)
      }
      growing = false
    }

    let settled = false
    return {
      warning: warningOf(held, used),
      ends: ends.signal,
      async ensure(needed) {
        if (settled || needed <= tokens) return
        const claims = claimed(needed - tokens, 0)
        const reserved = await take(organisationId, requestId, held, claims, true).catch(() => undefined)
        if (reserved?.outcome === 'refused') throw refusal(held[reserved.index]!, reserved.used, claims[reserved.index]!)
        if (reserved) taken.push(...claims)
        tokens = needed
      },
      cover(made) {
        if (grows && over !== undefined && made > tokens) ends.abort(over)
        if (growing || settled || over !== undefined || made + (grows ? MARGIN_TOKENS : 0) <= tokens) return
        growing = true
        // One that was asked to be so long ends by itself: what the guess of its prompt was short of is taken too, where it is there.
        void grow(grows ? [STEP_TOKENS, LEAST_TOKENS] : [made - tokens])
      },
      settle({ promptTokens: prompt, completionTokens: completion }, { cost }) {
        if (settled) return
        settled = true
        const money = new Set(held.flatMap((one, index) => (one.measure === 'money-a-month' ? [taken[index]!.key] : [])))
        // What was reserved in a later minute is given back there, and all of it counts in the first.
        const amounts = Object.fromEntries(taken.slice(0, held.length).map(({ key }) => [key, money.has(key) ? cost : prompt + completion]))
        void counters.settle(organisationId, requestId, amounts).catch(() => {})
      },
      giveBack() {
        if (settled) return
        settled = true
        void counters.giveBack(organisationId, requestId).catch(() => {})
      },
    }
  }

  /** Raises counts to what the ledger says, as where servers count each by itself, and tells where both differ. */
  async function reconcile(): Promise<void> {
    const keys = [...recent.values()]
    recent.clear()
    for (const { organisationId, scope, measure, key } of keys) {
      const used = await usedOf(organisationId, scope)
      const ledger = measure === 'money-a-month' ? used.cost : used.tokens
      const known = await counters.raise(organisationId, key, ledger)
      if (!known) continue
      const difference = Math.abs(known.was - known.due)
      if (difference > LEAST_DRIFT && difference > DRIFT * known.due) onDrift({ counted: known.was, ledger: known.due })
    }
  }

  function refusal({ measure, limit }: Held, used: number, { amount }: Claim): unknown {
    if (measure === 'tokens-a-minute') {
      if (amount > limit) return failure('budget-too-small', { needed: amount, left: limit })
      return failure(
        'tokens-too-fast',
        { seconds: Math.max(1, Math.ceil((MINUTE_MS - (clock() % MINUTE_MS)) / 1000)) },
        { retryable: true },
      )
    }
    const date = new Date(monthOf(clock()).ends).toISOString().slice(0, 10)
    if (measure === 'money-a-month') return failure('money-spent', { date })
    // Where an answer would still fit, this one is too long.
    if (limit - used >= LEAST_TOKENS) return failure('budget-too-small', { needed: amount, left: limit - used })
    // What is reserved by others counts, and may be given back.
    return failure('budget-spent', { used: Math.min(used, limit), budget: limit, date })
  }

  return { reserve, reconcile, close: () => clearInterval(reconciling) }
}

/** The limits that hold for a request. What a person or key has of its own stands above what each has. */
function heldBy(budgets: readonly Budget[], { userId, apiKeyId }: Pick<Caller, 'userId' | 'apiKeyId'>, model: string): Held[] {
  const of = (whose: Budget['whose']) => budgets.find(one => one.whose === whose && (whose !== 'model' || one.of === model))
  const above = (own: Budget | undefined, each: Budget | undefined): Budget | undefined =>
    own && {
      ...own,
      tokensAMinute: own.tokensAMinute ?? each?.tokensAMinute ?? null,
      tokensAMonth: own.tokensAMonth ?? each?.tokensAMonth ?? null,
      moneyAMonth: own.moneyAMonth ?? each?.moneyAMonth ?? null,
    }
  const scopes: [string, Budget | undefined][] = [
    ['organisation', of('organisation')],
    [`person=${userId}`, above(of('person'), of('each-person')) ?? of('each-person')],
    [`key=${apiKeyId}`, apiKeyId === null ? undefined : (above(of('key'), of('each-key')) ?? of('each-key'))],
    // Half a character has no code to be written in.
    [`model=${encodeURIComponent(model.toWellFormed())}`, of('model')],
  ]
  return scopes.flatMap(([scope, budget]) => {
    if (!budget) return []
    const { whose, tokensAMinute, tokensAMonth, moneyAMonth } = budget
    const limits: [Measure, number | null][] = [
      ['tokens-a-minute', tokensAMinute],
      ['tokens-a-month', tokensAMonth],
      ['money-a-month', moneyAMonth],
    ]
    return limits.flatMap(([measure, limit]) => (limit === null ? [] : [{ whose, measure, limit, scope }]))
  })
}

/** Of the limit that is nearest to its end. One of a minute is near it all the time, and soon is not. */
function warningOf(held: readonly Held[], used: readonly number[]): BudgetWarning | null {
  let nearest: BudgetWarning | null = null
  for (const [index, { whose, measure, limit }] of held.entries()) {
    const usedShare = Math.min(1, used[index]! / Math.max(1, limit))
    if (measure !== 'tokens-a-minute' && usedShare >= Math.max(WARN_AT, nearest?.usedShare ?? 0)) nearest = { whose, measure, usedShare }
  }
  return nearest
}

/** By UTC. */
function monthOf(now: number): { name: string; begins: number; ends: number } {
  const date = new Date(now)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { name: date.toISOString().slice(0, 7), begins: Date.UTC(year, month, 1), ends: Date.UTC(year, month + 1, 1) }
}
