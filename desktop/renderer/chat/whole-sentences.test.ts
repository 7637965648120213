import { expect, test } from 'vitest'
import { speakable, wholeSentences } from './whole-sentences.ts'

const spoken = (text: string, from = 0) => text.slice(from, wholeSentences(text, from))

test.for([
  ['One. Two', 'One. '],
  ['It is 3.14 or more', ''],
  ['He said "stop." Then', 'He said "stop." '],
  ['Really?! Yes', 'Really?! '],
  ['第一句。第二', '第一句。'],
  ['A list\n\n- one', 'A list\n\n'],
  ['', ''],
] as const)('of %j the whole sentences are %j', ([text, expected]) => {
  expect(spoken(text)).toBe(expected)
})

test('what was spoken is not spoken again', () => {
  expect(spoken('One. Two. Three', 'One. '.length)).toBe('Two. ')
})

test('marks of Markdown are not read out, and code only said to be there', () => {
  expect(speakable('## Title\n\n- **one** `two` [three](https://x.y)\n\n```js\nlet a\n```\nEnd')).toBe('Title one two three Code. End')
})
