import { expect, test } from 'vitest'
import { BLOCK_CHARACTERS, prefixBlocks, readText } from './prefix-blocks.ts'
import { createPrefixIndex } from './prefix-index.ts'

const text = (words: string, blocks: number) => words.padEnd(blocks * BLOCK_CHARACTERS, words)

test('equal beginnings have equal blocks, as far as they are equal; another tenant has none of them', () => {
  const one = prefixBlocks(text('a', 3) + text('b', 2), 'ada llama')
  const other = prefixBlocks(text('a', 3) + text('c', 2), 'ada llama')
  expect(one).toHaveLength(5)
  expect(other.slice(0, 3)).toEqual(one.slice(0, 3))
  expect(other.slice(3)).not.toEqual(one.slice(3))
  expect(prefixBlocks(text('a', 3), 'ben llama').some(block => one.includes(block))).toBe(false)
  // The same words behind other ones are not the same beginning.
  expect(prefixBlocks(text('b', 2), 'ada llama').some(block => one.includes(block))).toBe(false)
})

test('what is not a whole block is none, and a prompt without end has an end', () => {
  expect(prefixBlocks('x'.repeat(BLOCK_CHARACTERS - 1), '')).toEqual([])
  expect(prefixBlocks('x'.repeat(3_000_000), '')).toHaveLength(4096)
})

test('a chat that grows begins as it began, and tools stand before it', () => {
  const turns = [{ role: 'user', content: text('question', 2) }]
  const longer = [...turns, { role: 'assistant', content: 'answer' }, { role: 'user', content: 'more' }]
  const [short, long] = [turns, longer].map(messages => prefixBlocks(readText({ messages }), ''))
  expect(long!.slice(0, 2)).toEqual(short!.slice(0, 2))
  expect(prefixBlocks(readText({ messages: turns, tools: [{ type: 'function' }] }), '')[0]).not.toBe(short![0])
})

test('the index knows what was read, from the beginning on, and forgets ends before beginnings', () => {
  const index = createPrefixIndex()
  index.read([1, 2, 3])
  expect(index.matched([1, 2, 3, 4])).toBe(3)
  expect(index.matched([1, 9, 3])).toBe(1)
  expect(index.matched([2, 3])).toBe(2)
  index.resize(4)
  index.read([7, 8])
  expect([index.matched([1, 2, 3]), index.matched([7, 8]), index.size()]).toEqual([2, 2, 4])
  index.read([1, 2])
  index.read([10, 11])
  // Those that were used last are there.
  expect([index.matched([1, 2]), index.matched([7, 8]), index.matched([10, 11])]).toEqual([2, 0, 2])
  index.clear()
  expect(index.matched([1])).toBe(0)
})

test('whatever a server says of its cache, what is remembered of it has an end', () => {
  const index = createPrefixIndex()
  index.resize(1e22)
  for (let from = 0; from < 1_200_000; from += 4_000) index.read(Array.from({ length: 4_000 }, (_, at) => from + at))
  expect(index.size()).toBe(1_000_000)
})
