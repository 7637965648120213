import { expect, test } from 'vitest'
import { outsideLink } from './links.ts'

test.each([
  ['https://example.com/a?b=c#d', 'https://example.com/a?b=c#d'],
  ['http://example.com', 'http://example.com/'],
  ['HTTPS://EXAMPLE.COM', 'https://example.com/'],
  ['mailto:ada@example.com', 'mailto:ada@example.com'],
])('%s may be opened', (text, link) => {
  expect(outsideLink(text)).toBe(link)
})

test.each([
  'file:///etc/passwd',
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,hello',
  'smb://server/share',
  'ms-msdt:/id',
  'vbscript:x',
  'app://fusion/',
  '\\\\server\\share',
  '//example.com',
  'example.com',
  '',
  'https://',
  'https://bank.example@evil.example/',
  'https://ada:secret@example.com/',
  `https://example.com/${'a'.repeat(9000)}`,
])('%j may not', text => {
  expect(outsideLink(text)).toBeUndefined()
})
