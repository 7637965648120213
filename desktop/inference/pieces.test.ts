import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createPieces, type Delta, type TextDelta } from './pieces.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
})

function telling() {
  const told: [ms: number, text: string, tokens: number][] = []
  const start = performance.now()
  const pieces = createPieces(delta => {
    if (delta.type === 'text-delta') told.push([performance.now() - start, delta.text, delta.tokens])
  })
  const add = (text: string, part: TextDelta['part'] = 'text') => pieces.add({ type: 'text-delta', part, text, tokens: 1 })
  return { told, pieces, add }
}

test('the first piece is told at once, what comes faster than it can be read together, and nothing twice', () => {
  const { told, add } = telling()
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) {
    add(text)
    vi.advanceTimersByTime(16)
  }
  vi.advanceTimersByTime(1000)
  expect(told).toEqual([
    [0, 'a', 1],
    [48, 'bcd', 3],
    [104, 'ef', 2],
  ])
})

test('what comes slowly is told as it comes', () => {
  const { told, add } = telling()
  for (const text of ['a', 'b']) {
    add(text)
    vi.advanceTimersByTime(200)
  }
  expect(told).toEqual([
    [0, 'a', 1],
    [200, 'b', 1],
  ])
})

test('a piece does not wait for one that does not come, nor for the end', () => {
  const { told, pieces, add } = telling()
  add('a')
  add('b')
  vi.advanceTimersByTime(40)
  add('c')
  pieces.flush()
  pieces.flush()
  expect(told.map(([, text]) => text)).toEqual(['a', 'b', 'c'])
})

test('text and reasoning stay apart, in their order', () => {
  const { told, pieces, add } = telling()
  add('a', 'reasoning')
  add('b', 'reasoning')
  add('c')
  pieces.flush()
  expect(told.map(([, text]) => text)).toEqual(['a', 'b', 'c'])
})

test('tokens and their ids stay with the text they are told with', () => {
  const told: Delta[] = []
  const pieces = createPieces(delta => told.push(delta))
  for (const [index, text] of ['a', 'b', '', 'c'].entries()) {
    pieces.add({ type: 'text-delta', part: 'text', text, tokens: 1, tokenIds: [index], logprobs: [] })
  }
  pieces.flush()
  expect(told).toEqual([
    { type: 'text-delta', part: 'text', text: 'a', tokens: 1, tokenIds: [0], logprobs: [] },
    { type: 'text-delta', part: 'text', text: 'bc', tokens: 3, tokenIds: [1, 2, 3], logprobs: [] },
  ])
})

test('arguments of one call are joined, and those of two are not', () => {
  const told: Delta[] = []
  const pieces = createPieces(delta => told.push(delta))
  for (const [index, written] of [
    [0, '{'],
    [0, '"a"'],
    [0, ':1}'],
    [1, '{}'],
  ] as const) {
    pieces.add({ type: 'tool-call-delta', index, arguments: written, tokens: 1 })
  }
  pieces.flush()
  expect(told).toEqual([
    { type: 'tool-call-delta', index: 0, arguments: '{', tokens: 1 },
    { type: 'tool-call-delta', index: 0, arguments: '"a":1}', tokens: 2 },
    { type: 'tool-call-delta', index: 1, arguments: '{}', tokens: 1 },
  ])
})
