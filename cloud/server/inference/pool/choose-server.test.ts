import { expect, test } from 'vitest'
import { chooseServer, scoreOf } from './choose-server.ts'

test('of servers that are alike, a burst of 500 is spread evenly, though all of them begin with the same score', () => {
  const servers = Array.from({ length: 8 }, () => ({ load: 0, matched: 0 }))
  for (let request = 0; request < 500; request++) chooseServer(servers, { blocks: 4 }).load += 1
  for (const { load } of servers) expect(load).toBeGreaterThanOrEqual(500 / 8 / 2)
  expect(Math.max(...servers.map(({ load }) => load))).toBeLessThanOrEqual(Math.ceil(500 / 8) + 1)
})

test('routers that all see the same old figures do not all choose the same server', () => {
  const chosen = new Map<object, number>()
  const servers = Array.from({ length: 8 }, () => ({ load: 3, matched: 0 }))
  for (let request = 0; request < 500; request++) {
    const one = chooseServer(servers, { blocks: 4 })
    chosen.set(one, (chosen.get(one) ?? 0) + 1)
  }
  expect(chosen.size).toBe(8)
  expect(Math.max(...chosen.values())).toBeLessThanOrEqual((2 * 500) / 8)
})

test('a prompt that a server has read goes there, until it is busier than the others by the share that it would save', () => {
  const there = { load: 0, matched: 10 }
  const others = [
    { load: 0, matched: 0 },
    { load: 0, matched: 0 },
  ]
  expect(chooseServer([...others, there], { blocks: 10 })).toBe(there)
  expect(chooseServer([...others, { ...there, load: 5 }], { blocks: 10 })).not.toMatchObject({ load: 5 })
  // By the published formula: matched/prompt − (load − mean)/max(1, mean).
  expect(scoreOf({ load: 6, matched: 5 }, { blocks: 10, mean: 4, weight: 1 })).toBeCloseTo(0.5 - 0.5)
  expect(scoreOf({ load: 0, matched: 0 }, { blocks: 0, mean: 0, weight: 1 })).toBe(0)
})
