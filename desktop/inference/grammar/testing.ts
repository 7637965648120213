import { createMatcher, type Matcher, type State } from './matcher.ts'
import type { Rule } from './rule.ts'
import { Unusable } from './unusable.ts'

const matchers = new WeakMap<Rule, Matcher | undefined>()

/** Whether the whole text fits the rule. */
export function accepts(rule: Rule, text: string): boolean {
  if (!matchers.has(rule)) matchers.set(rule, createMatcher(rule))
  const matcher = matchers.get(rule)
  let state: State | undefined = matcher?.start
  for (const byte of new TextEncoder().encode(text)) state = state && matcher?.next(state, byte)
  return state?.ends ?? false
}

export function why(work: () => unknown): Unusable | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof Unusable) return error
    throw error
  }
  return undefined
}
