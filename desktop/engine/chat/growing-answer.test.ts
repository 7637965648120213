import { failure } from '@fusion/shared/contract/failures.ts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGrowingAnswer } from './growing-answer.ts'
import { createHub } from './hub.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function growingAnswer() {
  const written: string[] = []
  const troubles: unknown[] = []
  const disk = { full: false }
  const answer = createGrowingAnswer({
    hub: createHub(),
    grow(_, part, text) {
      if (disk.full) throw failure('disk-full')
      written.push(`${part}: ${text}`)
    },
    conversationId: 'chat',
    messageId: 'answer',
    lengths: { text: 0, reasoning: 0 },
    onTrouble: error => troubles.push(error),
  })
  return { answer, written, troubles, disk }
}

test('text is on disk 250 ms after it was made, however steadily more of it comes', () => {
  const { answer, written } = growingAnswer()
  for (let ms = 0; ms < 1000; ms += 10) {
    answer.append('text', `${ms} `)
    const old = written.join('').includes(`${ms - 250} `)
    expect(old || ms < 250).toBe(true)
    vi.advanceTimersByTime(10)
  }
  // And not once for each token: an append costs a transaction.
  expect(written.length).toBeLessThan(20)
})

test('reasoning and text keep their order', () => {
  const { answer, written } = growingAnswer()
  answer.append('reasoning', 'hm, ')
  answer.append('reasoning', 'yes')
  answer.append('text', 'Yes.')
  answer.flush()
  expect(written).toEqual(['reasoning: hm, yes', 'text: Yes.'])
})

test('what a full disk did not take is told once, kept, and written when there is room', () => {
  const { answer, written, troubles, disk } = growingAnswer()
  disk.full = true
  answer.append('text', 'one ')
  vi.advanceTimersByTime(250)
  answer.append('text', 'two')
  vi.advanceTimersByTime(250)
  expect(troubles).toMatchObject([{ code: 'disk-full' }])
  disk.full = false
  answer.flush()
  expect(written).toEqual(['text: one two'])
})
