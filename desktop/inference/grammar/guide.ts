import type { Matcher, State } from './matcher.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Follows an answer token by token, and says what may come next. */
export interface Guide {
  /** Whether the answer may end here. */
  readonly mayEnd: boolean
  /** Whether nothing can follow. */
  readonly done: boolean
  allows(token: number): boolean
  /** Takes it as the next one. It has to be allowed. */
  accept(token: number): void
  /** The few tokens that may come next, the ends of the answer included; undefined where they are many. */
  few(): readonly number[] | undefined
  /** All of them, however many. From then on they are known, and few. */
  all(): readonly number[]
  /** Text that has to come next, to the last whole character. */
  forced(): string
}

/** More choices than these are many: the model is asked freely first, and is mostly right. */
const FEW_TOKENS = 2_048
/** In all lists that are kept for one grammar: 16 MB. */
const MOST_KEPT_TOKENS = 2_000_000
/** Bytes that may begin the next token, where those that may are surely many. */
const MANY_BYTES = 80
/** Longer than any name: the rest is forced in the next round. */
const MOST_FORCED = 256

/** `begun`: what stands already. Undefined where that does not fit. */
export function createGuide(matcher: Matcher, vocabulary: Vocabulary, begun = ''): Guide | undefined {
  let state: State = matcher.start
  for (const byte of Buffer.from(begun)) {
    const next = matcher.next(state, byte)
    if (!next) return undefined
    state = next
  }
  // States come again and again: in every object of a list, and in every answer to the same schema.
  const lists = listsOf(matcher)

  const withEnds = (tokens: readonly number[]) => (state.ends ? [...tokens, ...vocabulary.ends] : tokens)
  return {
    get mayEnd() {
      return state.ends
    },
    get done() {
      return state.ends && state.tokens.length === 0 && matcher.bytes(state).length === 0
    },
    allows(token) {
      if (vocabulary.ends.includes(token)) return state.ends
      return vocabulary.after(matcher, state, token) !== undefined
    },
    accept(token) {
      const next = vocabulary.after(matcher, state, token)
      if (!next) throw new Error('A token that does not fit was taken')
      state = next
    },
    few() {
      if (lists.has(state)) {
        const found = lists.get(state)
        return found && withEnds(found)
      }
      const many = matcher.bytes(state).length > MANY_BYTES
      const found = many ? undefined : vocabulary.allowed(matcher, state, FEW_TOKENS)
      lists.set(state, found)
      return found && withEnds(found)
    },
    all() {
      const found = vocabulary.allowed(matcher, state, vocabulary.size) ?? []
      lists.set(state, found)
      return withEnds(found)
    },
    forced() {
      const bytes: number[] = []
      let at = state
      while (!at.ends && at.tokens.length === 0 && bytes.length < MOST_FORCED) {
        const possible = matcher.bytes(at)
        const next = possible.length === 1 ? matcher.next(at, possible[0]!) : undefined
        if (!next) break
        bytes.push(possible[0]!)
        at = next
      }
      return wholeCharacters(bytes)
    },
  }
}

interface Lists {
  get(state: State): readonly number[] | undefined
  has(state: State): boolean
  /** Kept while there is room; undefined: many. */
  set(state: State, tokens: readonly number[] | undefined): void
}

const known = new WeakMap<Matcher, Lists>()

function listsOf(matcher: Matcher): Lists {
  let found = known.get(matcher)
  if (!found) known.set(matcher, (found = createLists()))
  return found
}

function createLists(): Lists {
  const lists = new Map<number, readonly number[] | undefined>()
  let room = MOST_KEPT_TOKENS
  return {
    get: ({ id }) => lists.get(id),
    has: ({ id }) => lists.has(id),
    set({ id }, tokens) {
      const count = tokens?.length ?? 0
      if (count > room) return
      room -= count
      lists.set(id, tokens)
    },
  }
}

function wholeCharacters(bytes: readonly number[]): string {
  let end = bytes.length
  // Back to the first byte of the last character; what it needs is said by its ones.
  while (end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--
  const first = bytes[end - 1] ?? 0
  const needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
  const whole = bytes.length - (end - 1) >= needed ? bytes.length : end - 1
  return Buffer.from(bytes.slice(0, Math.max(0, whole))).toString()
}
