import { expect, test } from 'vitest'
import type { NativeContext } from '../native.ts'
import { createSlots } from './slots.ts'

/** Slots that were used by the chats a to d, in this order. */
function usedSlots() {
  const slots = createSlots({ disposeSequence: () => {} } as unknown as NativeContext, 4)
  const order = [2, 0, 3, 1].map(id => slots.all[id]!)
  order.forEach((slot, index) => {
    slots.take(slot, 'abcd'[index]!)
    slots.release(slot)
  })
  return slots
}

test('a new chat gets the place that idles longest', () => {
  expect(usedSlots().candidate('new')?.id).toBe(2)
})

test('a chat gets its own place again, and none while that is computing', () => {
  const slots = usedSlots()
  expect(slots.candidate('d')?.id).toBe(1)
  slots.take(slots.all[1]!, 'd')
  expect(slots.candidate('d')).toBeUndefined()
})

test('beside chats that compute, a new one gets a neighbouring place', () => {
  const slots = usedSlots()
  slots.take(slots.all[3]!, 'c')
  expect(slots.candidate('new')?.id).toBe(2)
  slots.take(slots.all[2]!, 'new')
  expect(slots.candidate('newer')?.id).toBe(1)
})

test('there is no place while all compute', () => {
  const slots = usedSlots()
  for (const slot of slots.all) slots.take(slot, `chat ${slot.id}`)
  expect(slots.candidate('new')).toBeUndefined()
})
