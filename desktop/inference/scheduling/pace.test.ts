import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

/** A machine whose tokens take as long as it is told, by the threads in use. */
function machine(threads: number) {
  let clock = 0
  const pace = createPace(threads, () => clock)
  return {
    pace,
    run(rounds: number, msPerToken: (threads: number) => number, tokens = 1) {
      const used: number[] = []
      for (let round = 0; round < rounds; round++) {
        const count = pace.threads()
        const ms = msPerToken(count) * tokens
        clock += ms
        pace.took(tokens, ms)
        used.push(count)
      }
      return used
    },
  }
}
const quiet = () => 25
/** A neighbour holds one of two cores. */
const crowded = (threads: number) => (threads === 2 ? 500 : 45)

test('on a quiet machine all threads are used, whatever the batch', () => {
  const { run } = machine(2)
  expect(new Set(run(200, quiet))).toEqual(new Set([2]))
  expect(new Set(run(20, () => 5, 512))).toEqual(new Set([2]))
})

test('when the threads collapse, one less is used, and all again when the machine is free', () => {
  const { run } = machine(2)
  run(50, quiet)
  const used = run(400, crowded)
  expect(used.slice(0, 4)).toEqual([2, 2, 2, 1])
  expect(used.filter(count => count === 1).length).toBeGreaterThan(350)
  const after = run(1500, threads => (threads === 2 ? 25 : 45))
  expect(after.at(-1)).toBe(2)
})

test('a token that is slow for another reason keeps all threads', () => {
  const { run } = machine(2)
  run(50, quiet)
  const used = run(200, threads => (threads === 2 ? 150 : 290))
  expect(used.filter(count => count === 1).length).toBeLessThan(10)
  expect(used.at(-1)).toBe(2)
})

test('a single slow round changes nothing, and one thread stays one', () => {
  const { run } = machine(2)
  run(50, quiet)
  expect(run(1, () => 5_000)).toEqual([2])
  expect(new Set(run(10, quiet))).toEqual(new Set([2]))
  expect(new Set(machine(1).run(20, () => Math.random() * 1e4))).toEqual(new Set([1]))
})
