import { expect, test } from 'vitest'
import type { Picker } from '../sampling.ts'
import type { Running } from './jobs.ts'
import { sharePrompts } from './share-prompts.ts'

const tokens = (count: number) => Array.from({ length: count }, (_, index) => index)

function entry(
  order: number,
  options: { prompt: number; done?: number; next?: number; draft?: boolean; aborted?: boolean; priority?: number },
): Running {
  const { prompt, done = 0, next, draft = false, aborted = false, priority = 0 } = options
  const shared = {
    chatId: String(order),
    program: undefined,
    tokens: tokens(prompt),
    signal: aborted ? AbortSignal.abort() : new AbortController().signal,
  }
  return {
    job: draft
      ? { kind: 'draft', ...shared }
      : {
          kind: 'answer',
          ...shared,
          priority,
          picker: undefined as unknown as Picker,
          onPrompt: () => {},
          onPrefill: () => {},
          onTokens: () => true,
        },
    slot: { id: order, chatId: String(order), program: undefined, tokens: tokens(done), answers: [], used: 0, busy: true, dirty: false },
    cached: 0,
    next: next === undefined ? undefined : [next],
    order,
    settle: () => {},
    fail: () => {},
  }
}

const shares = (running: Running[], round: number) =>
  [...sharePrompts(running, round, () => 32)].map(([{ order }, count]) => [order, count])

test('while no answer grows, prompts are computed in whole batches', () => {
  expect(shares([entry(1, { prompt: 2000 })], 1)).toEqual([[1, 512]])
  expect(shares([entry(1, { prompt: 2000, done: 1900 })], 1)).toEqual([[1, 100]])
})

test('beside a growing answer a prompt goes in slices of 32 tokens', () => {
  expect(shares([entry(1, { prompt: 9, done: 9, next: 5 }), entry(2, { prompt: 2000 })], 1)).toEqual([[2, 32]])
})

test('the shortest prompt goes first, and every other round the oldest, so that none waits for ever', () => {
  const running = [entry(1, { prompt: 2000 }), entry(2, { prompt: 40 })]
  expect(shares(running, 1)).toEqual([
    [2, 40],
    [1, 472],
  ])
  expect(shares(running, 2)).toEqual([[1, 512]])
})

test('a draft waits for every answer, and goes in slices', () => {
  const draft = entry(1, { prompt: 400, draft: true })
  expect(shares([draft], 1)).toEqual([[1, 32]])
  expect(shares([draft, entry(2, { prompt: 10 })], 1)).toEqual([[2, 10]])
  expect(shares([draft, entry(2, { prompt: 10, done: 10, next: 3 })], 1)).toEqual([])
})

test("a person's prompt does not go in slices for the sake of programs", () => {
  expect(shares([entry(1, { prompt: 9, done: 9, next: 5, priority: 1 }), entry(2, { prompt: 2000 })], 1)).toEqual([[2, 512]])
  expect(shares([entry(1, { prompt: 9, done: 9, next: 5 }), entry(2, { prompt: 2000, priority: 1 })], 1)).toEqual([[2, 32]])
})

test('nothing is computed of a prompt that was stopped', () => {
  expect(shares([entry(1, { prompt: 400, aborted: true })], 1)).toEqual([])
})

test("a person's prompt goes before those of programs, however long and late it is", () => {
  const running = [entry(1, { prompt: 40, priority: 1 }), entry(2, { prompt: 500 })]
  for (const round of [1, 2]) {
    expect(shares(running, round)).toEqual([
      [2, 500],
      [1, 12],
    ])
  }
})
