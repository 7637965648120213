import { expect, test } from 'vitest'
import { honestText, misleads, safeHref } from './link-safety.ts'

test.for([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  'java\u200bscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://example.com/1',
  'about:blank',
  'app://fusion/index.html',
  'x-apple.systempreferences:',
  '/settings',
  '//example.com',
  '#token=abc',
  '',
  'http://',
  'https://[',
])('the address %j is not followed', address => {
  expect(safeHref(address)).toBeNull()
})

test.for([
  ['https://example.com/a b', 'https://example.com/a%20b'],
  ['HTTP://EXAMPLE.com', 'http://example.com/'],
  ['mailto:somebody@example.com', 'mailto:somebody@example.com'],
] as const)('the address %j is followed as %j', ([address, href]) => {
  expect(safeHref(address)).toBe(href)
})

test('words that turn around or hide what they say are shown without that', () => {
  expect(honestText('https://exa\u202empel\u202c.com\u200b')).toBe('https://exampel.com')
})

test.for([
  ['bank.com', 'https://evil.example/', true],
  ['https://bank.com/login', 'https://evil.example/bank.com/login', true],
  ['bank.com', 'https://bank.com.evil.example/', true],
  ['www.bank.com', 'https://bank.com/', false],
  ['BANK.com/help', 'https://www.bank.com/help', false],
  ['the bank', 'https://evil.example/', false],
  ['Read chapter 3.', 'https://example.com/', false],
] as const)('the words %j over %j mislead: %j', ([words, href, expected]) => {
  expect(misleads(words, href)).toBe(expected)
})
