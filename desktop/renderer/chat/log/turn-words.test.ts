import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { expect, test } from 'vitest'
import { turnWords } from './turn-words.ts'

const inCloud = (turn: Pick<TurnState, 'at' | 'ahead'>, started = false) => turnWords(turn, { cloud: true, started })

test('the place in the line of the cloud is told, also where an answer waits in its middle', () => {
  for (const started of [false, true])
    expect([1200, 3, 1, 0].map(ahead => inCloud({ at: 'waiting', ahead }, started))).toEqual([
      'Waiting for its turn: 1,200 before it',
      'Waiting for its turn: 3 before it',
      'Waiting for its turn: 1 before it',
      'Waiting for its turn: it is next',
    ])
  expect(inCloud({ at: 'waiting' })).toBe('Waiting for the cloud')
  expect(turnWords({ at: 'waiting' }, { cloud: false, started: false })).toBe('Waiting for its turn')
})

test('it is the cloud that wakes a model, and this computer that loads one', () => {
  expect(inCloud({ at: 'waking-model' })).toBe('The cloud is waking the model. This may take a minute or two.')
  expect(turnWords({ at: 'loading-model' }, { cloud: false, started: false })).toBe('Loading the model')
})

test('where a server of the cloud failed, it is said what goes on, and that nothing is lost', () => {
  for (const started of [false, true])
    expect(inCloud({ at: 'retrying' }, started)).toBe('A server of the cloud failed. The answer goes on; nothing is lost.')
})

test('under words that come nothing is said', () => {
  for (const at of ['idle', 'answering', 'prefilling', 'waiting', 'paused'] as const) expect(inCloud({ at }, true)).toBeNull()
})
