import { expect, test } from 'vitest'
import { tellStates } from './tell-states.ts'

/** A number that is told whenever it is set. */
function testState() {
  const listeners = new Set<() => void>()
  let value = 0
  return {
    read: () => value,
    listen: (tell: () => void) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    set(next: number) {
      value = next
      for (const tell of listeners) tell()
    },
    listeners,
  }
}

test('changes that come fast are told in steps apart from one another, the first at once and the last always', async () => {
  const state = testState()
  const controller = new AbortController()
  const told: [value: number, at: number][] = []
  const apartMs = 40
  for await (const value of tellStates(state.read, state.listen, { signal: controller.signal, apartMs })) {
    told.push([value, performance.now()])
    if (value === 0) void count()
    if (value === 500) break
  }
  async function count() {
    for (let value = 1; value <= 500; value++) {
      state.set(value)
      await new Promise(setImmediate)
    }
  }
  expect(told[1]![0]).toBe(1)
  const between = told.slice(2).map(([, at], index) => at - told[index + 1]![1])
  // Timers count in whole milliseconds and may end within the last one.
  expect(Math.min(...between)).toBeGreaterThan(apartMs - 2)
  expect(told.length).toBeLessThan(500)
  expect(state.listeners.size).toBe(0)
})

test('without a distance every change that is waited for is told', async () => {
  const state = testState()
  const stream = tellStates(state.read, state.listen, { signal: new AbortController().signal })
  for (let value = 0; value < 50; value++) {
    expect(await stream.next()).toEqual({ done: false, value })
    state.set(value + 1)
  }
  await stream.return()
  expect(state.listeners.size).toBe(0)
})

test('a reader that leaves while nothing is told does not keep listening', async () => {
  const state = testState()
  const controller = new AbortController()
  const stream = tellStates(state.read, state.listen, { signal: controller.signal, apartMs: 1_000_000 })
  await stream.next()
  state.set(1)
  expect((await stream.next()).value).toBe(1)
  const next = stream.next()
  controller.abort()
  expect((await next).done).toBe(true)
  expect(state.listeners.size).toBe(0)
})
