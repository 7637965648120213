import { expect, test } from 'vitest'
import { readEntities } from './entities.ts'

test('names, decimal and hexadecimal references are read; what is none stays', () => {
  expect(readEntities('&lt;&amp;&#65;&#x1F600;&hellip; &unknown; & &;')).toBe('<&A😀… &unknown; & &;')
})

test('what is no character becomes the replacement character', () => {
  expect(readEntities('&#0;&#xD800;&#9999999;')).toBe('\ufffd\ufffd\ufffd')
})

test('a name that every object has is not a character', () => {
  expect(readEntities('&toString;')).toBe('&toString;')
})
