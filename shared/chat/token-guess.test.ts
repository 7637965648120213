import { expect, test } from 'vitest'
import { createTokenGuess } from './token-guess.ts'

const english = 'A word or two, and then some more. '.repeat(40)

test('a text is guessed by its script, and better when its model has counted one', () => {
  const guess = createTokenGuess()
  expect(guess.tokens('a', english)).toBe(400)
  expect(guess.tokens('a', '字'.repeat(400))).toBe(400)
  guess.learnFrom('a', english, 320)
  expect(guess.tokens('a', english)).toBe(320)
  expect(guess.tokens('b', english)).toBe(400)
})

test('many that were guessed before any was counted teach no more than one', () => {
  const guess = createTokenGuess()
  for (let time = 0; time < 64; time++) guess.learnFrom('a', english, 480)
  expect(guess.tokens('a', english)).toBe(480)
})

test('a short text teaches nothing, and no count makes a guess endless or empty', () => {
  const guess = createTokenGuess()
  guess.learnFrom('a', 'Hi', 40)
  expect(guess.tokens('a', english)).toBe(400)
  guess.learnFrom('a', english, 4_000_000)
  expect(guess.tokens('a', english)).toBe(4_000)
  guess.learnFrom('a', english, 1)
  expect(guess.tokens('a', english)).toBe(80)
})
