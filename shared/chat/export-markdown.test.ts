import { expect, test } from 'vitest'
import { exportFileName } from './export-markdown.ts'

test.for([
  ['A trip to Rome', 'A trip to Rome.md'],
  ['../../etc/passwd', 'etc passwd.md'],
  ['a/b\\c:d*e?f"g<h>i|j', 'a b c d e f g h i j.md'],
  ['line\none\u0000\u001b[31m', 'line one [31m.md'],
  ['.hidden', 'hidden.md'],
  ['...', 'Chat.md'],
  ['', 'Chat.md'],
  ['CON', 'Chat CON.md'],
  ['nul.txt', 'Chat nul.txt.md'],
  ['Console', 'Console.md'],
  ['ends with dots. .', 'ends with dots.md'],
  ['gpj\u202emd.exe', 'gpj md.exe.md'],
])('the title %j gives a name that every system takes', ([title, name]) => {
  expect(exportFileName(title!)).toBe(name)
})

test('a long title in any script gives a name of at most 255 bytes', () => {
  for (const character of ['a', 'é', '你', '😀']) {
    const name = exportFileName(character.repeat(200))
    expect(new TextEncoder().encode(name).length).toBeLessThan(250)
    expect(name.isWellFormed()).toBe(true)
  }
})
