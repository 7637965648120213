import { Settings } from '@fusion/shared/contract/settings.ts'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { readHost, readOrigin } from './read-allowed.ts'

test.for([
  ['http://localhost:3000', 'http://localhost:3000'],
  ['  https://Chat.Example/app?x#y ', 'https://chat.example'],
  ['http://localhost:80', 'http://localhost'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['http://[::1]:5173/', 'http://[::1]:5173'],
  ['chrome-extension://abcdefgh/popup.html', 'chrome-extension://abcdefgh'],
  ['APP://obsidian.md', 'app://obsidian.md'],
] as const)('the page at %s is the one its browser calls %s', ([typed, value]) => {
  expect(readOrigin(typed)).toEqual({ value })
  expect(Value.Check(Settings.properties.apiOrigins, [value])).toBe(true)
})

test.for([
  '',
  'localhost:3000',
  'example.com',
  '*',
  'https://*',
  'https://*.example',
  'file:///tmp/page.html',
  'javascript:alert(1)',
  'null',
  'https://me:secret@a.example',
  'http://',
])('%j is no page, and it is said how one is written', typed =>
  expect(readOrigin(typed)).toEqual({ problem: expect.stringContaining('http://localhost:3000') }),
)

test.for([
  ['host.docker.internal', 'host.docker.internal'],
  [' http://Fusion.Local:4310/v1 ', 'fusion.local'],
  ['my-computer:8080', 'my-computer'],
] as const)('the name in %s is %s', ([typed, value]) => {
  expect(readHost(typed)).toEqual({ value })
  expect(Value.Check(Settings.properties.apiHosts, [value])).toBe(true)
})

test.for(['', 'two words', '*.example', 'a_b', 'a,b', '[::1]', 'x'.repeat(254)])('%j is no name', typed =>
  expect(readHost(typed)).toEqual({ problem: expect.stringContaining('host.docker.internal') }),
)

test('the names that are always allowed need not be added', () => {
  for (const typed of ['localhost', '127.0.0.1:4310']) expect(readHost(typed)).toEqual({ problem: 'By this name it may always be called.' })
})

test('an address that is too long is refused before the engine does it', () => {
  expect(readOrigin(`http://${'a'.repeat(200)}`)).toEqual({ problem: 'This address is too long.' })
})
