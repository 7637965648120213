import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nothingParsed, parseBlocks } from './blocks.ts'

const shapes = (source: string) => parseBlocks(source).blocks.map(({ start, raw, token }) => ({ start, raw, token }))

/** Pieces that begin, continue, end and turn around blocks. */
const piece = fc.constantFrom(
  'Some words. ',
  '\n',
  '\n\n',
  '# ',
  '## Title\n',
  '- one\n',
  '  - two\n',
  '1. first\n',
  '> quoted\n',
  '>',
  '```',
  '```js\n',
  'let a = 1\n',
  '~~~\n',
  '    indented\n',
  '| a | b |\n',
  '|---|---|\n',
  '| 1 | 2 |\n',
  '---\n',
  '===\n',
  '-',
  '*',
  '**bold**',
  '`code`',
  '`',
  '<div>\n',
  '</div>\n',
  '[x]',
  '(https://example.com)',
  '[ref]: https://example.com\n',
  '\t',
  '  ',
)

test('a text read as it grows gives the same blocks as the whole text read at once', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
      let parsed = nothingParsed
      let source = ''
      for (const next of pieces) {
        source += next
        parsed = parseBlocks(source, parsed)
      }
      // Links by reference are read anew at the end (paced-reader.ts); the places of blocks are the same in any case.
      const places = (blocks: { start: number; raw: string; token: { type: string } }[]) =>
        blocks.map(({ start, raw, token }) => `${start} ${token.type} ${raw}`)
      expect(places(parsed.blocks)).toEqual(places(shapes(source)))
    }),
    { numRuns: 400 },
  )
})

test('blocks that are finished stay the same objects while the text grows', () => {
  const before = parseBlocks('# Title\n\nFirst paragraph.\n\nSecond paragraph.\n\nThird')
  const after = parseBlocks(`${before.source} paragraph goes on.`, before)
  expect(after.blocks.slice(0, 3).map((block, index) => block === before.blocks[index])).toEqual([true, true, true])
  expect(after.blocks[3]).toMatchObject({ raw: 'Third paragraph goes on.' })
})

test('a text that was replaced is read from the beginning', () => {
  const before = parseBlocks('One.\n\nTwo.\n\nThree.\n\nFour.')
  expect(parseBlocks('Other.\n\nText.', before).blocks.map(block => block.raw)).toEqual(['Other.\n\n', 'Text.'])
})

test('a definition named like a property of every object is only a definition', () => {
  const { blocks } = parseBlocks('[constructor] and [toString][]\n\n[constructor]: https://example.com')
  expect(blocks).toHaveLength(1)
})

test.for([
  ['quotes in quotes', '>'.repeat(20_000)],
  ['quotes with spaces', '> '.repeat(20_000)],
  ['lists in lists', Array.from({ length: 400 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n')],
  ['list markers in one line', '- '.repeat(5_000)],
  ['open brackets', '['.repeat(60_000)],
  ['images in images', '!['.repeat(30_000)],
  ['emphasis that never ends', '*a '.repeat(30_000)],
  ['emphasis in emphasis', `${'**a '.repeat(3_000)}${'b** '.repeat(3_000)}`],
  ['links in links', `${'['.repeat(5_000)}a${'](x)'.repeat(5_000)}`],
  ['backticks of every length', Array.from({ length: 400 }, (_, length) => '`'.repeat(length + 1)).join(' ')],
  ['a line of a megabyte', 'word '.repeat(200_000)],
  ['a megabyte without a space', 'x'.repeat(1_000_000)],
  ['a table of ten thousand rows', `| a | b |\n|---|---|\n${'| 1 | 2 |\n'.repeat(10_000)}`],
  ['a table row of a hundred thousand cells', `|${'a|'.repeat(100_000)}\n|${'-|'.repeat(100_000)}\n`],
  ['html that never ends', '<a '.repeat(30_000)],
  ['comments that never end', '<!--'.repeat(20_000)],
  ['entities that never end', '&'.repeat(60_000)],
  ['definitions that never end', '[a]: '.repeat(20_000)],
] as const)('%s end in blocks that hold the whole text', ([, source]) => {
  const { blocks } = parseBlocks(source)
  expect(
    blocks
      .map(block => block.raw)
      .join('')
      .trimEnd().length,
  ).toBe(source.trimEnd().length)
})

test('a paragraph of more marks than anybody writes is plain text, and a long one of prose is not', () => {
  const tokensOf = (source: string) => {
    const { token } = parseBlocks(source).blocks[0]!
    return 'tokens' in token ? token.tokens?.map(each => each.type) : []
  }
  expect(tokensOf('*a* '.repeat(2000).trim())).toEqual(['text'])
  expect(tokensOf(`${'Some words. '.repeat(900)}**bold**`)).toEqual(['text', 'strong'])
  expect(tokensOf(`${'Some words. '.repeat(1100)}**bold**`)).toEqual(['text'])
})
