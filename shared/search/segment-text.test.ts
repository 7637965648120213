import { expect, test } from 'vitest'
import { indexWords, queryWords } from './segment-text.ts'
import { understand } from './search-query.ts'
import { snippetOf } from './snippet.ts'

test('words are folded, and scripts without spaces are cut into pairs', () => {
  expect(indexWords('Ｃａｆé, STRASSE ß; 中国人 GPT模型')).toEqual(
    ['cafe strasse ss 中国 国人 gpt 模型'.split(' '), '中 国 人 模 型'.split(' ')].flat(),
  )
  expect(indexWords('مُحَمَّد')).toEqual(['محمد'])
  expect(indexWords('don’t 3.14 snake_case')).toEqual(['don', 't', '3', '14', 'snake', 'case'])
})

test('a query of paired characters asks for what the index holds', () => {
  expect(queryWords('中')).toEqual([{ words: ['中'], paired: true }])
  expect(queryWords('中国人')).toEqual([{ words: ['中国', '国人'], paired: true }])
  expect(queryWords('模型GPT')).toEqual([{ words: ['模型', 'gpt'], paired: false }])
  expect(queryWords('3月5日')).toEqual([
    { words: ['3'], paired: false },
    { words: ['月'], paired: true },
    { words: ['5'], paired: false },
    { words: ['日'], paired: true },
  ])
})

test('what is typed is never FTS syntax', () => {
  const phrases = (text: string) => understand(text).phrases.map(({ words, open }) => words.join(' ') + (open ? '…' : ''))
  expect(phrases('')).toEqual([])
  expect(phrases('"*():^-')).toEqual([])
  expect(phrases('a NEAR(b) OR "c d')).toEqual(['a', 'near b', 'or', 'c', 'd…'])
  expect(phrases('"green tea" pot')).toEqual(['green tea', 'pot…'])
  expect(phrases('pot ')).toEqual(['pot'])
})

test('a snippet marks the matches and never cuts a character in two', () => {
  const { shown } = understand('cafe')
  expect(snippetOf('Das Cafe\u0301 am Rand', shown)).toEqual([
    { text: 'Das ', hit: false },
    { text: 'Cafe\u0301', hit: true },
    { text: ' am Rand', hit: false },
  ])
  expect(snippetOf('ﬁﬁﬁ CAFÉ', shown).find(piece => piece.hit)?.text).toBe('CAFÉ')
  const family = '👨‍👩‍👧‍👦'
  const cut = snippetOf(`${family.repeat(40)} cafe ${family.repeat(40)}`, shown)
  expect(cut.filter(piece => !piece.hit).every(piece => piece.text.trim().replaceAll(family, '') === '')).toBe(true)
  expect(snippetOf('party art', understand('art').shown)).toEqual([
    { text: 'party ', hit: false },
    { text: 'art', hit: true },
  ])
  const far = snippetOf(`${'x '.repeat(50_000)}needle`, understand('needle').shown)
  expect(far.at(-1)).toEqual({ text: 'needle', hit: true })
})
