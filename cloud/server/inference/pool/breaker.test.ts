import { expect, test } from 'vitest'
import { createBreaker } from './breaker.ts'

function start() {
  let at = 0
  const breaker = createBreaker(() => at)
  return {
    breaker,
    pass: (ms: number) => void (at += ms),
    /** Until the next trial may be made, in ms. */
    wait(): number {
      const from = at
      while (!breaker.trialDue()) at += 100
      return at - from
    },
  }
}

test('nobody is sent to a server before a trial has passed', () => {
  const { breaker } = start()
  expect([breaker.isClosed(), breaker.trialDue()]).toEqual([false, true])
  breaker.passed()
  expect([breaker.isClosed(), breaker.trialDue()]).toEqual([true, false])
})

test('it opens at the first loss; requests that are lost together are one loss', () => {
  const { breaker, pass, wait } = start()
  breaker.passed()
  pass(60_000)
  for (let request = 0; request < 50; request++) breaker.lost()
  expect(breaker.isClosed()).toBe(false)
  expect(wait()).toBe(500)
})

test('trials that fail come ever less often, half a minute apart at last; one that passes begins anew', () => {
  const { breaker, pass, wait } = start()
  breaker.passed()
  pass(60_000)
  breaker.lost()
  const waits = []
  for (let trial = 0; trial < 8; trial++) {
    waits.push(wait())
    breaker.lost()
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 32_000])
  breaker.passed()
  pass(60_000)
  breaker.lost()
  expect(wait()).toBe(500)
})

test('one that goes up and down is asked less, yet never kept away for long', () => {
  const { breaker, wait, pass } = start()
  breaker.passed()
  pass(60_000)
  const waits = []
  for (let flap = 0; flap < 6; flap++) {
    breaker.lost()
    waits.push(wait())
    breaker.passed()
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 4000, 4000])
  pass(30_000)
  breaker.lost()
  expect(wait()).toBe(500)
})
