import { expect, test } from 'vitest'
import { imageAddress, standsAsImage } from './image-address.ts'

test.for([
  ['https://example.com/a.png', 'https://example.com/a.png'],
  ['http://Example.com/a?b=1&amp;c=2', 'http://example.com/a?b=1&c=2'],
  ['https://exa\u200bmple.com/\u202egnp.a', 'https://example.com/gnp.a'],
  ['http://0x7f.1/', 'http://127.0.0.1/'],
])('the address of %j is %j', ([written, address]) => {
  expect(imageAddress(written!)).toBe(address)
})

test.for([
  'data:image/png;base64,AAAA',
  'javascript:alert(1)',
  'mailto:a@b.c',
  'file:///a.png',
  '/a.png',
  '//example.com/a.png',
  'a.png',
  '',
])('%j is nothing to ask for', written => expect(imageAddress(written)).toBeNull())

const address = 'https://example.com/a.png'

test.for([
  `Look: ![words](${address}) here`,
  `![](<${address}>)`,
  `![with [brackets] in them](${address} "a title")`,
  `![escaped \\] bracket](${address})`,
  `![words][pic]\n\n[pic]: ${address}`,
  `![words][pic]\n\n[pic]:\n  <${address}>`,
  `| ![a](${address}) |\n|---|`,
  String.raw`![a](https://example\.com/a\.png)`,
  `![cut off](${address}`,
])('it stands as an image in %j', text => {
  expect(standsAsImage(text, address)).toBe(true)
})

test.for([
  'no image at all',
  `![another](https://example.com/b.png) and ${address} as words`,
  `![another](https://example.com/b.png) and a [link](${address})`,
  `![another](https://example.com/b.png) and \`${address}\``,
  `![longer](${address}?secret=1)`,
  `![shorter](https://example.com/a)`,
  `![x](y)${'['.repeat(5000)}](${address})`,
])('it does not stand as an image in %j', text => {
  expect(standsAsImage(text, address)).toBe(false)
})

test('a text of megabytes is looked through once, however often the address stands in it', () => {
  expect(standsAsImage(`![a](b) ${address} `.repeat(100_000), address)).toBe(false)
  expect(standsAsImage(`![${']('.repeat(500_000)}`, address)).toBe(false)
  expect(standsAsImage('![a](b)', '')).toBe(false)
})
