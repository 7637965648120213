import { expect, test } from 'vitest'
import { exportFileName, exportMarkdown } from './export-markdown.ts'
import { titleFrom } from './title.ts'

test('a title is the first line that says something', () => {
  expect(titleFrom('\n\n  How do I   sort a file?\nIt is large.')).toBe('How do I sort a file?')
  expect(titleFrom('  \n ')).toBe('New chat')
})

test('a long first line is cut at a word, and never inside a character', () => {
  expect(titleFrom('one two three four five six seven eight nine ten eleven twelve thirteen')).toBe(
    'one two three four five six seven eight nine ten eleven…',
  )
  expect(titleFrom('😀'.repeat(80))).toBe(`${'😀'.repeat(60)}…`)
})

test('an export names who spoke, what answered, and what was broken off', () => {
  const base = { conversationId: 'c', parentId: null, segments: [], finishReason: null, failure: null, leftOut: null, createdAt: 0 }
  const markdown = exportMarkdown({ title: 'A\nchat' }, [
    {
      ...base,
      id: 'a',
      role: 'user',
      status: 'complete',
      parts: [
        { type: 'attachment', hash: 'h', name: 'notes.txt', bytes: 3 },
        { type: 'text', text: 'Hi' },
      ],
    },
    {
      ...base,
      id: 'b',
      role: 'assistant',
      status: 'failed',
      parts: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'Hel' },
      ],
    },
  ])
  expect(markdown).toBe('# A chat\n\n## You\n\n*Attached: notes.txt*\n\nHi\n\n## Assistant\n\nHel\n\n*Broken off here.*\n')
})

test('an export gets a file name that every system takes', () => {
  expect(exportFileName('a/b: "c"?')).toBe('a b c.md')
  expect(exportFileName('..')).toBe('Chat.md')
})
