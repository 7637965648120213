import fc from 'fast-check'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { chooseModel, type ModelFacts, type RequestFacts, type RoutingFacts, type RoutingRules } from './choose-model.ts'
import { Choice, Comparison, Exclusion, reasonSentence, Refusal, type RoutingReason } from './routing-reason.ts'

const model = (name: string, more: Partial<ModelFacts> = {}): ModelFacts => ({
  model: name,
  windowTokens: 8000,
  promptPrice: 1,
  completionPrice: 2,
  quality: 8,
  state: 'ready',
  waitingPerReplica: 0,
  tokensPerSecond: null,
  ...more,
})
const small = model('small', { quality: 8, promptPrice: 0.1, completionPrice: 0.3, tokensPerSecond: 90 })
const middle = model('middle', { quality: 14, promptPrice: 0.3, completionPrice: 0.9, tokensPerSecond: 50 })
const large = model('large', { quality: 70, promptPrice: 1, completionPrice: 3, tokensPerSecond: 20 })

const asked: RequestFacts = { promptTokens: 100, counted: true, completionTokens: null, latency: 'balanced', difficulty: 0 }
const anything: RoutingRules = { allowed: null, dearest: null, preferred: [] }
const facts = (
  models: readonly ModelFacts[],
  { request, rules }: { request?: Partial<RequestFacts>; rules?: Partial<RoutingRules> } = {},
): RoutingFacts => ({ models, request: { ...asked, ...request }, rules: { ...anything, ...rules } })
const chosen = (...from: Parameters<typeof facts>) => chooseModel(facts(...from)).model

test('an easy question goes to the cheapest, a hard one to the best, and one between to one between', () => {
  const models = [large, small, middle]
  expect([0, 0.5, 1].map(difficulty => chosen(models, { request: { difficulty } }))).toEqual(['small', 'middle', 'large'])
})

test('the decision names the runners-up in order, and why each is where it is', () => {
  expect(chooseModel(facts([small, middle, large, model('tiny', { windowTokens: 64 })]))).toEqual({
    model: 'small',
    runnersUp: ['middle', 'large'],
    why: { code: 'cheaper', model: 'small', than: 'middle', cost: expect.closeTo(0.0001636), costThan: expect.closeTo(0.0004908) },
    behind: [
      { code: 'cheaper', model: 'small', than: 'middle', cost: expect.closeTo(0.0001636), costThan: expect.closeTo(0.0004908) },
      { code: 'cheaper', model: 'small', than: 'large', cost: expect.closeTo(0.0001636), costThan: expect.closeTo(0.001636) },
    ],
    excluded: [{ code: 'window-too-small', model: 'tiny', neededTokens: 101, windowTokens: 64 }],
  })
})

test('who wants it fast gets the fastest that suits, who wants the best gets the best', () => {
  const models = [small, middle, large]
  expect(chosen(models, { request: { latency: 'fast', difficulty: 1 } })).toBe('middle')
  expect(chosen(models, { request: { latency: 'best' } })).toBe('large')
  expect(chosen([small, { ...middle, state: 'asleep' }], { request: { latency: 'fast', difficulty: 1 } })).toBe('small')
})

test('a busy model and one that sleeps stand behind one that suits as well; for a hard question the one that suits is woken', () => {
  const other = { ...small, model: 'other', promptPrice: 0.2 }
  expect(chooseModel(facts([{ ...small, waitingPerReplica: 6 }, other]))).toMatchObject({ model: 'other', why: { code: 'less-waiting' } })
  expect(chooseModel(facts([{ ...small, state: 'asleep' }, other]))).toMatchObject({ model: 'other', why: { code: 'awake' } })
  expect(chooseModel(facts([small, { ...large, state: 'asleep' }], { request: { difficulty: 1 } }))).toMatchObject({
    model: 'large',
    why: { code: 'suits-better' },
  })
})

test('the time to wake a model is a part of what is told of its haste', () => {
  const asleep = [small, middle].map(one => ({ ...one, state: 'asleep' as const }))
  const why = { code: 'faster', model: 'small', than: 'middle', seconds: 66, secondsThan: 71 }
  expect(chooseModel(facts(asleep, { request: { latency: 'fast' } }))).toMatchObject({ why })
})

test('what an organisation prefers is taken before what is cheaper, if it suits', () => {
  const rules = { preferred: ['middle', 'small'] }
  expect(chosen([small, middle, large], { rules })).toBe('middle')
  expect(chosen([small, middle, large], { rules, request: { difficulty: 1 } })).toBe('large')
})

test('a guess of the length refuses nobody: the largest window is asked', () => {
  const models = [small, { ...large, windowTokens: 9000 }]
  const request = { promptTokens: 8900, counted: false }
  expect(chooseModel(facts(models, { request }))).toMatchObject({ model: 'large', why: { code: 'largest-window', windowTokens: 9000 } })
  expect(chooseModel(facts(models, { request: { ...request, counted: true, promptTokens: 9000 } }))).toMatchObject({
    model: null,
    why: { code: 'none-fits', model: 'large', neededTokens: 9001, windowTokens: 9000 },
  })
})

test('a window in which hardly an answer has room is taken only where no other has more', () => {
  const tight = { ...small, windowTokens: 200 }
  expect(chosen([tight, large])).toBe('large')
  expect(chosen([tight])).toBe('small')
  expect(chosen([tight, large], { request: { completionTokens: 50 } })).toBe('small')
})

test('where none can answer, the first thing that leaves none is said', () => {
  const why = (...from: Parameters<typeof facts>) => chooseModel(facts(...from)).why.code
  expect(why([])).toBe('no-models')
  expect(why([small], { rules: { allowed: [] } })).toBe('none-allowed')
  expect(why([large], { rules: { dearest: 1 } })).toBe('all-too-dear')
  expect(why([small], { request: { completionTokens: 8000 } })).toBe('none-fits')
  expect(
    why([
      { ...small, state: 'down' },
      { ...large, windowTokens: 50 },
    ]),
  ).toBe('all-down')
})

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const aModel: fc.Arbitrary<ModelFacts> = fc.record({
  model: name,
  windowTokens: fc.constantFrom(100, 1000, 1000, 4000, 4000, 4000),
  promptPrice: fc.constantFrom(0, 0.1, 1, 5),
  completionPrice: fc.constantFrom(0, 0.3, 2, 9),
  quality: fc.constantFrom(0, 1, 8, 14, 70),
  state: fc.constantFrom('ready', 'ready', 'asleep', 'down'),
  waitingPerReplica: fc.constantFrom(0, 1, 4.5, 5, 40),
  tokensPerSecond: fc.constantFrom(null, 5, 30, 90),
})
const any: fc.Arbitrary<RoutingFacts> = fc.record({
  models: fc.uniqueArray(aModel, { selector: ({ model: of }) => of, maxLength: 5, size: 'max' }),
  request: fc.record({
    promptTokens: fc.oneof({ weight: 3, arbitrary: fc.nat(500) }, { weight: 1, arbitrary: fc.nat(5000) }),
    counted: fc.boolean(),
    completionTokens: fc.option(fc.integer({ min: 1, max: 2000 })),
    latency: fc.constantFrom('fast', 'balanced', 'best'),
    difficulty: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  rules: fc.record({
    allowed: fc.option(fc.uniqueArray(name), { freq: 2 }),
    dearest: fc.option(fc.constantFrom(0, 1, 5), { freq: 2 }),
    preferred: fc.uniqueArray(name, { maxLength: 3 }),
  }),
})
const holds = (property: (facts: RoutingFacts) => void) =>
  fc.assert(
    fc.property(any, of => {
      property(of)
    }),
    { numRuns: 2000 },
  )
const ordered = (of: RoutingFacts): string[] => {
  const decision = chooseModel(of)
  return decision.model === null ? [] : [decision.model, ...decision.runnersUp]
}

test('for any facts: a decision or a refusal, in which each model has its place and its reason', () => {
  holds(of => {
    const decision = chooseModel(of)
    const names = of.models.map(({ model: one }) => one).toSorted()
    expect([...ordered(of), ...decision.excluded.map(({ model: one }) => one)].toSorted()).toEqual(names)
    for (const reason of decision.excluded) expect(Value.Check(Exclusion, reason)).toBe(true)
    if (decision.model === null) return expect(Value.Check(Refusal, decision.why)).toBe(true)
    expect(Value.Check(Choice, decision.why)).toBe(true)
    expect(decision.behind.map(({ model: one, than }) => [one, than])).toEqual(decision.runnersUp.map(than => [decision.model, than]))
    for (const reason of decision.behind) expect(Value.Check(Comparison, reason)).toBe(true)
  })
})

test('for any facts: the same decision again, whatever order the models come in', () => {
  holds(of => expect(chooseModel({ ...of, models: of.models.toReversed() })).toEqual(chooseModel(of)))
})

test('for any facts: never a model that is not allowed, costs too much, is down or does not fit', () => {
  holds(of => {
    const { request, rules } = of
    for (const one of ordered(of)) {
      const { promptPrice, completionPrice, state, windowTokens } = of.models.find(({ model: known }) => known === one)!
      expect(rules.allowed?.includes(one)).not.toBe(false)
      expect(Math.max(promptPrice, completionPrice)).toBeLessThanOrEqual(rules.dearest ?? Infinity)
      expect(state).not.toBe('down')
      if (request.counted) expect(request.promptTokens + (request.completionTokens ?? 1)).toBeLessThanOrEqual(windowTokens)
    }
  })
})

const states = ['ready', 'asleep', 'down']
const better = (one: ModelFacts, other: ModelFacts, { preferred }: RoutingRules): boolean => {
  const liking = (of: string) => (preferred.includes(of) ? preferred.indexOf(of) : Infinity)
  const worth = (of: ModelFacts) => [
    of.windowTokens,
    -of.promptPrice,
    -of.completionPrice,
    of.quality,
    -states.indexOf(of.state),
    -of.waitingPerReplica,
    of.tokensPerSecond ?? 30,
    -liking(of.model),
  ]
  const [mine, its] = [worth(one), worth(other)]
  return mine.every((value, index) => value >= its[index]!)
}

test('for any facts: a model that is as good in every respect, and no dearer, is not behind', () => {
  let compared = 0
  holds(of => {
    const order = ordered(of)
    for (const [index, ahead] of order.entries())
      for (const after of order.slice(index + 1)) {
        const [one, other] = [ahead, after].map(wanted => of.models.find(({ model: known }) => known === wanted)!) as [
          ModelFacts,
          ModelFacts,
        ]
        if (better(one, other, of.rules)) compared += 1
        else if (better(other, one, of.rules)) expect.fail(`${after} is behind ${ahead}`)
      }
  })
  expect(compared).toBeGreaterThan(20)
})

test('for any facts: a model of which nothing changes but that it costs more does not move forward', () => {
  fc.assert(
    fc.property(any, fc.nat(4), fc.constantFrom('promptPrice', 'completionPrice'), (of, index, price) => {
      const one = of.models[index]
      if (!one) return
      const dearer = { ...of, models: of.models.with(index, { ...one, [price]: one[price] + 1 }) }
      const place = (order: string[]) => (order.includes(one.model) ? order.indexOf(one.model) : Infinity)
      expect(place(ordered(dearer))).toBeGreaterThanOrEqual(place(ordered(of)))
    }),
    { numRuns: 2000 },
  )
})

test.each([Exclusion, Choice.anyOf[0], Choice, Refusal].flatMap(({ anyOf }) => anyOf.filter(schema => 'properties' in schema)))(
  'the reason %# reads as one whole sentence, without a hole',
  schema => {
    const reason = { ...Value.Create(schema), model: 'one', than: 'other' } as RoutingReason
    expect(reasonSentence(reason)).toMatch(/^([A-Z]|one )[^{}!]*\.$/)
    expect(reasonSentence(reason)).not.toMatch(/undefined|NaN|null/)
  },
)

test('a name is put in as it is', () => {
  expect(reasonSentence({ code: 'only-one', model: '{than} $&' })).toBe('{than} $& is the only model that can answer this now.')
})
