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

/** Slots with what programs left in them, last used in this order; undefined: empty. A string: of a chat. */
function slotsWith(...contents: (readonly number[] | string | undefined)[]) {
  const context = { disposeSequence: () => {}, removeTokenCellsFromSequence: () => true } as unknown as NativeContext
  const slots = createSlots(context, contents.length)
  for (const [id, content] of contents.entries()) {
    if (content === undefined) continue
    const slot = slots.all[id]!
    slots.take(slot, typeof content === 'string' ? content : null)
    slot.tokens = typeof content === 'string' ? [9, 9, 9] : [...content]
    slots.release(slot)
  }
  return slots
}

test('a program gets the place whose tokens its prompt begins with for the longest', () => {
  const slots = slotsWith([1, 2, 3], [1, 2, 3, 4], [1], undefined)
  expect(slots.programCandidate(undefined, [1, 2, 3, 4, 5])?.id).toBe(1)
  const slot = slots.all[1]!
  slots.take(slot, null)
  expect(slots.keepPrefix(slot, [1, 2, 3, 4, 5])).toBe(4)
})

test('a program that shares only a little with what is there leaves it, while another place will do', () => {
  expect(slotsWith([1, 2, 3, 4, 5, 6], undefined).programCandidate(undefined, [1, 7])?.id).toBe(1)
  expect(slotsWith([7, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]).programCandidate(undefined, [1, 7])?.id).toBe(0)
})

test('a program takes the place of a chat only where nothing else is idle', () => {
  expect(slotsWith('chat', [5, 6]).programCandidate(undefined, [1])?.id).toBe(1)
  const slots = slotsWith('older', 'newer', [5, 6])
  slots.take(slots.all[2]!, null)
  expect(slots.programCandidate(undefined, [9, 9, 9, 1])?.id).toBe(1)
  slots.take(slots.all[1]!, null)
  expect(slots.all[1]).toMatchObject({ chatId: undefined, tokens: [] })
})

test('a chat takes an empty place before one of a program, and that before one of a chat', () => {
  expect(slotsWith('a', [1], undefined).candidate('new')?.id).toBe(2)
  expect(slotsWith('a', [1], 'b').candidate('new')?.id).toBe(1)
})

test('a program goes on from what it asked itself, and never from what another one did', () => {
  const slots = createSlots({ disposeSequence: () => {} } as unknown as NativeContext, 3)
  const asked = slots.programCandidate('editor', [1, 2, 3])!
  slots.take(asked, null, 'editor')
  asked.tokens.push(1, 2, 3, 4)
  slots.release(asked)
  expect(slots.programCandidate('editor', [1, 2, 3, 5])).toBe(asked)
  expect(slots.programCandidate('notebook', [1, 2, 3, 5])).not.toBe(asked)
  // Also where no other place is left.
  slots.take(asked, null, 'notebook')
  expect(slots.keepPrefix(asked, [1, 2, 3, 5])).toBe(0)
})
