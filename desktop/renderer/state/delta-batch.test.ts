import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { createDeltaBatch } from './delta-batch.ts'
import { createMessageShelf } from './messages.ts'

function growing(parts: Message['parts'] = []): Message {
  return {
    id: newId(),
    conversationId: newId(),
    parentId: null,
    role: 'assistant',
    parts,
    status: 'growing',
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: 0,
  }
}

function setUp(message: Message) {
  const shelf = createMessageShelf()
  shelf.put(message)
  const frames: (() => void)[] = []
  const gaps: string[] = []
  const told: string[] = []
  shelf.subscribe(message.id, () => told.push('changed'))
  const batch = createDeltaBatch({ shelf, schedule: callback => frames.push(callback), onGap: id => gaps.push(id) })
  const add = (at: number, text: string, part: 'text' | 'reasoning' = 'text') =>
    batch.add({ type: 'text-delta', messageId: message.id, part, at, text })
  return { add, batch, frames, gaps, told, parts: () => shelf.get(message.id)?.parts }
}

test('all that came since the last frame is written with the next one, as one change', () => {
  const { add, frames, told, parts } = setUp(growing())
  add(0, 'One ')
  add(4, 'two ')
  add(8, 'three')
  expect([frames.length, told.length, parts()]).toEqual([1, 0, []])
  frames[0]!()
  expect([told.length, parts()]).toEqual([1, [{ type: 'text', text: 'One two three' }]])
})

test('reasoning and text grow apart', () => {
  const { add, frames, parts } = setUp(growing())
  add(0, 'Hm', 'reasoning')
  add(0, 'Yes')
  add(2, '.', 'reasoning')
  frames[0]!()
  expect(parts()).toEqual([
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'Yes' },
  ])
})

test('text that is there already is not written twice', () => {
  const { add, frames, gaps, parts } = setUp(growing([{ type: 'text', text: 'One two' }]))
  add(4, 'two three')
  frames[0]!()
  expect([parts(), gaps]).toEqual([[{ type: 'text', text: 'One two three' }], []])
})

test('a delta that does not follow what is there asks for the message anew and writes nothing', () => {
  const message = growing([{ type: 'text', text: 'One' }])
  const { add, frames, gaps, parts } = setUp(message)
  add(9, 'three')
  frames[0]!()
  expect([parts(), gaps]).toEqual([[{ type: 'text', text: 'One' }], [message.id]])
})

test('what waits for a message that was told whole is forgotten', () => {
  const message = growing()
  const { add, batch, frames, parts } = setUp(message)
  add(0, 'old')
  batch.drop(message.id)
  frames[0]!()
  expect(parts()).toEqual([])
})
