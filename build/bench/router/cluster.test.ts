import { expect, test } from 'vitest'
import { createMockEngine } from '../../../cloud/testing/mock-engine.ts'
import { createCluster } from './cluster.ts'
import { climb } from './ladder.ts'
import { plot } from './plot.ts'
import { policies, type PolicyName } from './policies.ts'
import { shape } from './published.ts'
import { seededRandom } from './random.ts'
import { arrivals, createBlocks, createQuestions } from './workload.ts'

const names = Object.keys(policies(shape)) as PolicyName[]
const stages = [
  { rate: 20, seconds: 5 },
  { rate: 60, seconds: 5 },
]

test('every request is answered once, with as many tokens as it asked for, whoever decides where', () => {
  // A cache for a few requests at a time, so that some wait and some are put back.
  const small = { ...shape, cacheBlocks: 600 }
  for (const name of names) {
    const random = seededRandom(3)
    const asked = arrivals(createQuestions(createBlocks(), random), { rate: 40, seconds: 4, from: 0, random }).map(one => ({
      ...one,
      answerTokens: 1 + Math.floor(random() * 300),
    }))
    const cluster = createCluster(small, 4, engines => policies(small)[name](engines, seededRandom(4)))
    const answered = cluster.run(asked)
    expect(new Set(answered.map(one => one.asked)).size).toBe(asked.length)
    for (const one of answered) {
      expect(one.tokens).toBe(one.asked.answerTokens)
      expect(one.firstTokenAt).toBeGreaterThan(one.asked.at)
      expect(one.doneAt).toBeGreaterThanOrEqual(one.firstTokenAt)
    }
    expect(cluster.engines.map(engine => [engine.running(), engine.waiting(), engine.cacheUse()])).toEqual(
      cluster.engines.map(() => [0, 0, 0]),
    )
    const sum = (figure: 'madeTokens' | 'finished' | 'promptTokens') =>
      cluster.engines.reduce((total, { figures }) => total + figures[figure], 0)
    expect(sum('finished')).toBe(asked.length)
    expect(sum('madeTokens')).toBe(asked.reduce((total, { answerTokens }) => total + answerTokens, 0))
    expect(sum('promptTokens')).toBe(asked.length * 7_200)
  }
})

test('the same seed gives the same figures, another one others', () => {
  for (const name of names) {
    const figures = (seed: number) => climb(policies(shape)[name], shape, { seed, stages })
    expect(figures(1)).toEqual(figures(1))
    expect(figures(1)).not.toEqual(figures(2))
  }
})

test('a prefix is computed once and held once by all that share it, and is found afterwards', () => {
  const engine = createMockEngine({ ...shape, blockTokens: 10, cacheBlocks: 20 })
  const blocks = [1, 2, 3, 4]
  const [one, other] = [engine.add({ promptTokens: 45, blocks }), engine.add({ promptTokens: 45, blocks })]
  // 45 tokens of the first, and of the second those that are in no whole block.
  expect(engine.step()!.ms).toBeCloseTo(shape.stepMs + 50 * shape.prefillMsPerToken)
  expect(engine.cacheUse()).toBe(6 / 20)
  expect([one.cachedTokens, other.cachedTokens]).toEqual([0, 40])
  engine.end(one)
  engine.end(other)
  expect([engine.cacheUse(), engine.prefixLength([1, 2, 3, 4, 5]), engine.prefixLength([5])]).toEqual([0, 4, 0])
})

test('where blocks run out the last one is put back and computed again, and no token is lost', () => {
  const engine = createMockEngine({ ...shape, blockTokens: 10, cacheBlocks: 10 })
  const both = [1, 2].map(block => engine.add({ promptTokens: 35, blocks: [block, block + 10, block + 20] }))
  const made = new Map(both.map(one => [one, 0]))
  for (let step = engine.step(); step; step = engine.step())
    for (const one of step.decoded) {
      made.set(one, made.get(one)! + 1)
      if (made.get(one) === 30) engine.end(one)
    }
  expect([...made.values()]).toEqual([30, 30])
  expect(engine.figures).toMatchObject({ finished: 2, madeTokens: 60, preempted: 1 })
})

test('a plot has a line and a name for each policy', () => {
  const lines = names.map((name, index) => ({ name, points: [10, 20].map((rate): [number, number] => [rate, rate * (index + 1)]) }))
  const svg = plot({ title: 'Output', lines, logarithmic: true })
  expect(svg.match(/<polyline/g)).toHaveLength(names.length)
  for (const name of names) expect(svg).toContain(`>${name}</text>`)
})
