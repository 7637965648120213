import { expect, test } from 'vitest'
import { createRestarts } from './restarts.ts'

function crashesEvery(ms: number, count: number) {
  let now = 0
  const restarts = createRestarts(() => now)
  return Array.from({ length: count }, () => {
    const wait = restarts.next()
    now += ms
    return wait
  })
}

test('it waits twice as long each time, up to ten seconds, while crashes go on', () => {
  expect(crashesEvery(20_000, 9)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
})

test('the fifth crash within a minute is one too many', () => {
  expect(crashesEvery(1000, 5)).toEqual([100, 200, 400, 800, undefined])
})

test('a minute without a crash is a new beginning', () => {
  expect(crashesEvery(61_000, 4)).toEqual([100, 100, 100, 100])
})
