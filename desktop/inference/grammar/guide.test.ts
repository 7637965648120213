import { expect, test } from 'vitest'
import { createGuide } from './guide.ts'
import { createMatcher } from './matcher.ts'
import { byte, choice, repeat, type Rule, sequence, text } from './rule.ts'
import { Unusable } from './unusable.ts'
import { createVocabulary } from './vocabulary.ts'

const words = ['a', 'ab', 'abc', 'b', 'c', 'é', '\xc3', '\xa9', 'ab', '', '<end>']
const control = words.indexOf('')
const end = words.indexOf('<end>')
const bytesOf = (token: number) =>
  token === control || token === end ? undefined : token === 5 ? Buffer.from('é') : Buffer.from(words[token]!, 'latin1')
const vocabulary = await createVocabulary({ size: words.length, ends: [end], bytesOf })
const guideOf = (rule: Rule, begun = '') => createGuide(createMatcher(rule)!, vocabulary, begun)!

test('the tokens that may come are all that go on with a text that fits, and the end where it may end', () => {
  const guide = guideOf(sequence(text('ab'), repeat(choice(text('c'), text('é')))))
  expect(guide.few()?.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 8])
  expect(guide.mayEnd).toBe(false)
  guide.accept(1)
  expect(guide.all().toSorted((a, b) => a - b)).toEqual([4, 5, 6, end])
  for (const [token] of words.entries()) expect(guide.allows(token), `${token}`).toBe([4, 5, 6, end].includes(token))
  guide.accept(6)
  expect([guide.mayEnd, guide.few()]).toEqual([false, [7]])
})

test('what has to come is known, up to where there is a choice, and in whole characters', () => {
  expect(guideOf(text('abé')).forced()).toBe('abé')
  expect(guideOf(sequence(text('a'), choice(text('é'), text('è')))).forced()).toBe('a')
  expect(guideOf(sequence(text('a'), repeat(text('b')))).forced()).toBe('a')
  expect(guideOf(text('abc'), 'ab').forced()).toBe('c')
  expect(createGuide(createMatcher(text('abc'))!, vocabulary, 'b')).toBeUndefined()
})

test('a control token comes only where the grammar names it, and is then a choice like any other', () => {
  const guide = guideOf(sequence(choice({ kind: 'token', id: control }, text('a')), text('b')))
  expect(guide.forced()).toBe('')
  expect(guide.few()?.toSorted((a, b) => a - b)).toEqual([0, 1, 8, control])
  guide.accept(control)
  expect([guide.allows(control), guide.forced()]).toEqual([false, 'b'])
  guide.accept(3)
  expect(guide.done).toBe(true)
})

test('what repeats without end is one state, and what is counted ends', () => {
  const matcher = createMatcher(repeat(byte(0x61)))!
  const once = matcher.next(matcher.start, 0x61)!
  expect(matcher.next(once, 0x61)).toBe(once)
  const counted = guideOf(repeat(text('a'), 1, 2))
  counted.accept(0)
  counted.accept(0)
  expect([counted.done, counted.allows(0)]).toEqual([true, false])
})

test('a grammar that can be read in ever more ways is left before it takes all memory', () => {
  const list: Rule = { kind: 'later', rule: undefined }
  const many = (most: number) => sequence(text('['), repeat(list, 0, most), text(']'))
  list.rule = choice(many(1_000), many(2_000))
  const matcher = createMatcher(list)!
  let state = matcher.start
  expect(() => {
    for (let depth = 0; depth < 100; depth++) state = matcher.next(state, 0x5b)!
  }).toThrow(Unusable)
})
