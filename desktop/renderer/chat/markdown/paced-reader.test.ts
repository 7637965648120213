import { expect, test } from 'vitest'
import { createPacedReader } from './paced-reader.ts'

/** A clock on which every reading of the text takes `cost` ms. */
function clock(cost: number) {
  const state = { now: 0, calls: 0 }
  return { pass: (ms: number) => (state.now += ms), now: () => (++state.calls % 2 === 0 ? (state.now += cost) : state.now) }
}

test('a text that is quick to read is read each time it grows', () => {
  const reader = createPacedReader(clock(1).now)
  expect(reader.read('One', true).parsed.source).toBe('One')
  expect(reader.read('One two', true)).toMatchObject({ parsed: { source: 'One two' }, againMs: null })
})

test('a text that is slow to read rests four times as long as it took, and is read when it ends', () => {
  const time = clock(20)
  const reader = createPacedReader(time.now)
  reader.read('One', true)
  expect(reader.read('One two', true)).toMatchObject({ parsed: { source: 'One' }, againMs: 80 })
  expect(reader.read('One two three', false)).toMatchObject({ parsed: { source: 'One two three' }, againMs: null })
})

test('a definition below its use makes the link once the text is whole', () => {
  const reader = createPacedReader()
  const text = 'See [this].\n\nMore.\n\nAnd more.\n\n[this]: https://example.com'
  for (let end = 1; end <= text.length; end++) reader.read(text.slice(0, end), true)
  const { parsed } = reader.read(text, false)
  expect(parsed.blocks[0]!.token).toMatchObject({ tokens: [{}, { type: 'link', href: 'https://example.com' }, {}] })
})
