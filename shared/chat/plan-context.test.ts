import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ContextFacts, type PathTokens, planContext } from './plan-context.ts'

const facts = (path: PathTokens[], more: Partial<ContextFacts> = {}): ContextFacts => ({
  windowTokens: 1000,
  frameTokens: 5,
  systemTokens: 20,
  path,
  answerStartTokens: 0,
  previousCut: 0,
  ...more,
})
const turns = (count: number, tokens: number): PathTokens[] =>
  Array.from({ length: count * 2 + 1 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', tokens }))

test('a chat that fits is sent whole', () => {
  expect(planContext(facts(turns(3, 20)))).toEqual({
    cut: 0,
    historyTokens: 120,
    questionTokens: 20,
    leftOutTokens: 0,
    reservedTokens: 250,
    promptTokens: 165,
    questionTooLong: false,
  })
})

test('when the window is full, the oldest turns go, and a quarter of the window is freed at once', () => {
  const plan = planContext(facts(turns(10, 50)))
  expect(plan.cut % 2).toBe(0)
  expect(plan.promptTokens + plan.reservedTokens).toBeLessThanOrEqual(750)
  expect(plan.leftOutTokens).toBe(plan.cut * 50)
})

test('the cut stays where it was while everything still fits, so that the prefix does not change', () => {
  const first = planContext(facts(turns(10, 50)))
  const second = planContext(
    facts([...turns(10, 50), { role: 'assistant', tokens: 50 }, { role: 'user', tokens: 50 }], { previousCut: first.cut }),
  )
  expect(second.cut).toBe(first.cut)
})

test('a question that does not fit by itself is said to be too long', () => {
  expect(planContext(facts([{ role: 'user', tokens: 990 }])).questionTooLong).toBe(true)
  expect(planContext(facts([{ role: 'user', tokens: 970 }])).questionTooLong).toBe(false)
})

test('for any chat: the question is kept, what is kept begins with a question, and every token is accounted for', () => {
  const message = fc.record({ role: fc.constantFrom('user' as const, 'assistant' as const), tokens: fc.integer({ min: 0, max: 400 }) })
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 40 }),
      fc.integer({ min: 64, max: 3000 }),
      fc.nat(50),
      (history, windowTokens, previousCut) => {
        const path: PathTokens[] = [...history, { role: 'user', tokens: 30 }]
        const plan = planContext(facts(path, { windowTokens, previousCut }))
        expect(plan.cut).toBeLessThan(path.length)
        if (plan.cut > 0) expect(path[plan.cut]!.role).toBe('user')
        expect(plan.historyTokens + plan.questionTokens + plan.leftOutTokens).toBe(path.reduce((sum, { tokens }) => sum + tokens, 0))
        if (!plan.questionTooLong && plan.cut < path.length - 1)
          expect(plan.promptTokens + plan.reservedTokens).toBeLessThanOrEqual(windowTokens)
      },
    ),
  )
})
