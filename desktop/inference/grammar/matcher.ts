import type { Rule } from './rule.ts'
import { writable } from './rule.ts'
import { Unusable } from './unusable.ts'

/** A place in a rule, and what follows when the rule is done. Equal places are one object. */
interface Place {
  id: number
  rule: Rule
  /** Bytes of a text, items of a sequence, or repetitions that are done. */
  at: number
  rest: Place | undefined
}

/** All that may come next. Equal states are one object, so what was found out about one is known when it comes again. */
export interface State {
  readonly id: number
  /** Whether the text may end here. */
  readonly ends: boolean
  /** Tokens that the grammar names themselves. */
  readonly tokens: readonly number[]
}

export interface Matcher {
  readonly start: State
  /** After one more byte; undefined where it may not come. */
  next(state: State, byte: number): State | undefined
  afterToken(state: State, token: number): State | undefined
  /** The bytes that may come. */
  bytes(state: State): readonly number[]
  /** How much it has found out so far: one that grew large is better made anew. */
  readonly size: number
}

/** More than 500 properties that need not be there make; each step goes through all of them. */
const MOST_PLACES = 4_000

interface KnownState extends State {
  places: readonly Place[]
  after: (KnownState | null | undefined)[]
  possible: readonly number[] | undefined
}

/**
 * Follows a grammar byte by byte. All readings of the text so far are followed at once, as stacks of places that share what they have in
 * common. Undefined where nothing can be written at all. Throws `Unusable` where there are too many readings.
 */
export function createMatcher(root: Rule): Matcher | undefined {
  const known = writable(root)
  if (!known.has(root)) return undefined
  const ruleIds = new Map<Rule, number>()
  const places = new Map<string, Place>()
  const states = new Map<string, KnownState>()

  function place(rule: Rule, at: number, rest: Place | undefined): Place {
    let ruleId = ruleIds.get(rule)
    if (ruleId === undefined) ruleIds.set(rule, (ruleId = ruleIds.size))
    const key = `${ruleId}.${at}.${rest?.id ?? ''}`
    let found = places.get(key)
    if (!found) places.set(key, (found = { id: places.size, rule, at, rest }))
    return found
  }

  /** The state of these places: each followed to what stands there to be written. */
  function stateOf(begun: (Place | undefined)[]): KnownState | undefined {
    const seen = new Set<Place | undefined>()
    const leaves: Place[] = []
    let ends = false
    const add = (rule: Rule, rest: Place | undefined) => {
      if (known.has(rule)) begun.push(place(rule, 0, rest))
    }
    while (begun.length > 0) {
      const one = begun.pop()
      if (seen.has(one)) continue
      seen.add(one)
      if (seen.size > MOST_PLACES) throw new Unusable('#', 'a text can be read in too many ways by it')
      if (!one) {
        ends = true
        continue
      }
      const { rule, at, rest } = one
      switch (rule.kind) {
        case 'byte':
        case 'token':
          leaves.push(one)
          break
        case 'text':
          if (at < rule.bytes.length) leaves.push(one)
          else begun.push(rest)
          break
        case 'sequence': {
          const item = rule.items[at]
          // The last item goes on with what follows the whole: a list in a list in a list keeps no trace of its ends.
          if (item) add(item, at + 1 < rule.items.length ? place(rule, at + 1, rest) : rest)
          else begun.push(rest)
          break
        }
        case 'choice':
          for (const option of rule.options) add(option, rest)
          break
        case 'repeat':
          if (at >= rule.min) begun.push(rest)
          // Without a limit it does not matter how often it was.
          if (at < rule.max) add(rule.item, place(rule, rule.max === Infinity ? Math.min(at + 1, rule.min) : at + 1, rest))
          break
        case 'later':
          add(rule.rule!, rest)
          break
      }
    }
    if (leaves.length === 0 && !ends) return undefined
    leaves.sort((a, b) => a.id - b.id)
    const key = `${ends ? 'e' : ''}${leaves.map(({ id }) => id).join()}`
    let found = states.get(key)
    if (!found) {
      const tokens = leaves.flatMap(({ rule }) => (rule.kind === 'token' ? rule.id : []))
      states.set(key, (found = { id: states.size, ends, tokens, places: leaves, after: [], possible: undefined }))
    }
    return found
  }

  const after = ({ rule, at, rest }: Place) => (rule.kind === 'text' && at + 1 < rule.bytes.length ? place(rule, at + 1, rest) : rest)

  function next(state: State, byte: number): KnownState | undefined {
    const { places, after: found } = state as KnownState
    const cached = found[byte]
    if (cached !== undefined) return cached ?? undefined
    const fitting = places.filter(({ rule, at }) =>
      rule.kind === 'text' ? rule.bytes[at] === byte : rule.kind === 'byte' && rule.set[byte] === 1,
    )
    const result = fitting.length === 0 ? undefined : stateOf(fitting.map(after))
    found[byte] = result ?? null
    return result
  }

  const start = stateOf([place(root, 0, undefined)])
  return (
    start && {
      start,
      next,
      afterToken(state, token) {
        const fitting = (state as KnownState).places.filter(({ rule }) => rule.kind === 'token' && rule.id === token)
        return fitting.length === 0 ? undefined : stateOf(fitting.map(after))
      },
      bytes(state) {
        const known = state as KnownState
        if (known.possible) return known.possible
        const set = new Uint8Array(256)
        for (const { rule, at } of known.places) {
          if (rule.kind === 'text') set[rule.bytes[at]!] = 1
          else if (rule.kind === 'byte') for (let byte = 0; byte < 256; byte++) set[byte]! |= rule.set[byte]!
        }
        return (known.possible = Array.from(set.keys()).filter(byte => set[byte] === 1))
      },
      get size() {
        return places.size + states.size
      },
    }
  )
}
