import { expect, test } from 'vitest'
import { chooseServer, isNewTo, scoreOf } from './choose-server.ts'

const idle = { load: 0, slots: 256, matched: 0, newAt: 0 }
const alike = (load = 0) => Array.from({ length: 8 }, () => ({ ...idle, load }))

test('of servers that are alike, a burst of 500 is spread evenly, though all of them begin with the same score', () => {
  const servers = alike()
  for (let request = 0; request < 500; request++) chooseServer(servers, { blocks: 4 }).load += 1
  for (const { load } of servers) expect(load).toBeGreaterThanOrEqual(500 / 8 / 2)
  expect(Math.max(...servers.map(({ load }) => load))).toBeLessThanOrEqual(Math.ceil(500 / 8) + 1)
})

test('routers that all see the same old figures do not all choose the same server', () => {
  const chosen = new Map<object, number>()
  const servers = alike(3)
  for (let request = 0; request < 500; request++) {
    const one = chooseServer(servers, { blocks: 4 })
    chosen.set(one, (chosen.get(one) ?? 0) + 1)
  }
  expect(chosen.size).toBe(8)
  expect(Math.max(...chosen.values())).toBeLessThanOrEqual((2 * 500) / 8)
})

test('a prompt that a server has read goes there, until it is busier than the others by the share that it would save', () => {
  const there = { ...idle, matched: 10 }
  const others = [{ ...idle }, { ...idle }]
  expect(chooseServer([...others, there], { blocks: 10 })).toBe(there)
  expect(chooseServer([...others, { ...there, load: 60 }], { blocks: 10 })).not.toMatchObject({ load: 60 })
  // By the published formula, (matched/prompt − (load − mean)/max(1, mean)), from the load on that a server computes at once.
  expect(scoreOf({ load: 60, matched: 5 }, { blocks: 10, mean: 40, atOnce: 32, weight: 1 })).toBeCloseTo(0.5 - 0.5)
  expect(scoreOf({ load: 0, matched: 0 }, { blocks: 0, mean: 0, atOnce: 32, weight: 1 })).toBe(0)
})

test('a few requests do not make a server busy where it computes many at once, and do where it computes few', () => {
  const there = { ...idle, load: 6, matched: 10 }
  expect(chooseServer([{ ...idle }, there], { blocks: 10 })).toBe(there)
  const small = [
    { ...idle, slots: 8 },
    { ...there, slots: 8 },
  ] as const
  expect(chooseServer(small, { blocks: 10 })).toBe(small[0])
})

test('servers take turns with prompts that begin as none before, though their loads differ a little', () => {
  const servers = alike().map((one, index) => ({ ...one, load: 40 + (index % 3) }))
  for (let prompt = 1; prompt <= 40; prompt++) chooseServer(servers, { blocks: 4 }).newAt = prompt
  // All got one in the last eight.
  for (const { newAt } of servers) expect(newAt).toBeGreaterThan(32)
  expect(isNewTo(servers)).toBe(true)
})

test('whoever is much busier loses its turn, and one of two with a seat each never waits behind the other', () => {
  const busy = { ...idle, load: 80, newAt: 1 }
  const others = [2, 3, 4].map(newAt => ({ ...idle, load: 20, newAt }))
  expect(chooseServer([busy, ...others], { blocks: 4 })).toBe(others[0])
  const free = { ...idle, slots: 1, newAt: 2 }
  expect(chooseServer([{ ...idle, slots: 1, load: 1, newAt: 1 }, free], { blocks: 4 })).toBe(free)
})
