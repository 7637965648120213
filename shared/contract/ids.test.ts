import fc from 'fast-check'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { Id, newId } from './ids.ts'

// The clock of the ids only goes forward within a process, so each test begins after all the others.
let clock = Date.UTC(2030, 0, 1)
const later = (ms: number) => (clock += ms)
const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16)
const isAscending = (ids: string[]) => ids.every((id, index) => index === 0 || ids[index - 1]! < id)

test('an id is a UUIDv7 in lower case that carries its time', () => {
  const now = later(1000)
  const id = newId(now)
  expect(Value.Check(Id, id)).toBe(true)
  expect(timeOf(id)).toBe(now)
})

test('ids are in the order of their making, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 2, maxLength: 200 }), steps => {
      const ids = steps.map(step => newId(clock + step))
      expect(isAscending(ids)).toBe(true)
      expect(ids.every(id => Value.Check(Id, id))).toBe(true)
      later(10_000)
    }),
  )
})

test('ten thousand ids of one millisecond ascend, and borrow only a few milliseconds of the future', () => {
  const now = later(1000)
  const ids = Array.from({ length: 10_000 }, () => newId(now))
  expect(isAscending(ids)).toBe(true)
  expect(timeOf(ids.at(-1)!) - now).toBeLessThanOrEqual(5)
  later(10)
})

test('after its clock stepped back by an hour, ids go on from where they were', () => {
  const now = later(1000)
  const before = newId(now)
  const after = newId(now - 3_600_000)
  expect(after > before).toBe(true)
  expect(timeOf(after)).toBe(now)
})

test('two processes that ask at the same moment get different ids', () => {
  const tails = new Set(Array.from({ length: 1000 }, () => newId(later(1)).slice(19)))
  expect(tails.size).toBe(1000)
})
