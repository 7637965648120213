import { expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { aMessage } from './testing/a-message.ts'
import { openTestStorage } from './testing/test-storage.ts'

/** A storage whose only chat says these texts, oldest first, and what a search finds of them. */
function said(...texts: string[]) {
  const test = openTestStorage()
  const { id } = test.storage.conversations.create({ id: newId(), title: 'Untitled' })
  const messages = texts.map((text, index) => ({ ...aMessage(id, text), createdAt: 1_700_000_000_000 + index }))
  for (const message of messages) test.storage.messages.add(message)
  const find = (text: string) =>
    test.storage.search.find({ text, limit: 100 }).hits.map(hit => texts[messages.findIndex(message => message.id === hit.messageId)])
  return { ...test, id, find }
}

test('words are found in any case, without accents, the last one by its beginning, the newest first', () => {
  const { find } = said('Der Käse ist im Café', 'cafeteria', 'The CAFE is closed')
  expect(find('cafe')).toEqual(['The CAFE is closed', 'cafeteria', 'Der Käse ist im Café'])
  expect(find('cafe ')).toEqual(['The CAFE is closed', 'Der Käse ist im Café'])
  expect(find('KASE caf')).toEqual(['Der Käse ist im Café'])
  expect(find('afe')).toEqual([])
})

test('one and two characters of Chinese, Japanese, Korean and Thai are found', () => {
  const texts = ['我在北京大学读书', 'さくらんぼが好き', 'カタカナ ｶﾀｶﾅ', '학교에서 만나요', 'กุหลาบสีขาว', '京']
  const { find } = said(...texts)
  expect(find('京')).toEqual(['京', texts[0]])
  expect(find('北京')).toEqual([texts[0]])
  expect(find('北京大学')).toEqual([texts[0]])
  expect(find('北大')).toEqual([])
  expect(find('くら')).toEqual([texts[1]])
  expect(find('カナ')).toEqual([texts[2]])
  expect(find('학교')).toEqual([texts[3]])
  expect(find('หลาบ')).toEqual([texts[4]])
})

test('Arabic without its vowel signs, Cyrillic, Greek, Hebrew and emoji are found', () => {
  const texts = ['قال مُحَمَّد شيئًا', 'Щелкунчик', 'Ο Οδυσσέας', 'שָׁלוֹם עולם', 'Happy 🎂 day']
  const { find } = said(...texts)
  expect(find('محمد')).toEqual([texts[0]])
  expect(find('щелк')).toEqual([texts[1]])
  expect(find('οδυσσεασ')).toEqual([texts[2]])
  expect(find('שלום')).toEqual([texts[3]])
  expect(find('🎂')).toEqual([texts[4]])
})

test('words in quotes stand side by side', () => {
  const { find } = said('green tea is hot', 'tea is green', '"green" tea? hot')
  expect(find('"green tea"')).toEqual(['"green" tea? hot', 'green tea is hot'])
  expect(find('“tea is” green')).toEqual(['tea is green', 'green tea is hot'])
})

test('what is typed is never syntax', () => {
  const { find, storage } = said('a or b', 'near not and', 'c:d^e')
  for (const text of [
    '"',
    '""',
    '*',
    'NEAR(',
    'NOT',
    'a AND',
    '(',
    'words:a',
    '-a',
    '^',
    `'`,
    '\0',
    '\ud83d',
    '"a" OR "b',
    'a*b',
    '{a b}:',
    '\ue0001',
  ]) {
    expect(() => find(text)).not.toThrow()
  }
  expect(find('near NOT')).toEqual(['near not and'])
  expect(find(Array.from({ length: 500 }, (_, index) => `w${index}`).join(' '))).toEqual([])
  expect(() => storage.search.find({ text: 'a', before: 'nonsense', limit: 1 })).toThrow(expect.objectContaining({ code: 'bad-input' }))
})

test('titles come first, old titles are no longer found, and pages follow each other without gap or repetition', () => {
  const { storage, id } = said(...Array.from({ length: 25 }, (_, index) => `tea number ${index}`))
  storage.conversations.rename(id, 'Coffee')
  storage.conversations.rename(id, 'All about tea')
  expect(storage.search.find({ text: 'coffee', limit: 5 }).hits).toEqual([])
  const other = storage.conversations.create({ id: newId(), title: 'Tea, too' })
  const found: (string | null)[] = []
  let before: string | undefined
  let pages = 0
  for (;;) {
    const { hits, next } = storage.search.find({ text: 'tea', limit: 2, ...(before !== undefined && { before }) })
    found.push(...hits.map(hit => hit.messageId ?? hit.conversationTitle))
    pages++
    if (next === null) break
    before = next
  }
  expect(found.slice(0, 2)).toEqual([other.title, 'All about tea'])
  expect(found.slice(2)).toEqual(storage.messages.childrenOf(null, id).toReversed())
  expect(pages).toBe(14)
})

test('a folder bounds the search, and the trash is searched and marked', () => {
  const { storage } = openTestStorage()
  const folder = storage.folders.add('Kitchen')
  const empty = storage.folders.add('Empty')
  const inside = storage.conversations.create({ id: newId(), title: 'In', folderId: folder.id })
  const outside = storage.conversations.create({ id: newId(), title: 'Out' })
  const [one, two] = [aMessage(inside.id, 'green tea'), aMessage(outside.id, 'black tea')]
  storage.messages.add(one)
  storage.messages.add(two)
  const find = (folderId?: string) =>
    storage.search.find({ text: 'tea', limit: 10, ...(folderId !== undefined && { folderId }) }).hits.map(hit => hit.messageId)
  expect(find()).toEqual([two.id, one.id])
  expect(find(folder.id)).toEqual([one.id])
  expect(find(empty.id)).toEqual([])
  storage.conversations.moveToFolder(outside.id, folder.id)
  expect(find(folder.id)).toEqual([two.id, one.id])
  storage.conversations.trash(inside.id)
  expect(storage.search.find({ text: 'green', limit: 10 }).hits).toMatchObject([{ messageId: one.id, life: 'trash' }])
})

test('reasoning is not searched, names of attachments are, and all branches', () => {
  const { storage } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'Untitled' })
  const attachment = storage.attachments.add('budget-2026.csv', 'secret content')
  const question = { ...aMessage(id, 'look'), parts: [{ type: 'text' as const, text: 'look' }, attachment] }
  storage.messages.add(question)
  storage.messages.add({
    ...aMessage(id, '', question.id),
    parts: [
      { type: 'reasoning', text: 'pondering' },
      { type: 'text', text: 'branch one' },
    ],
  })
  storage.messages.add(aMessage(id, 'branch two', question.id))
  const count = (text: string) => storage.search.find({ text, limit: 10 }).hits.length
  expect([count('budget'), count('secret'), count('pondering'), count('branch')]).toEqual([1, 0, 0, 2])
})

test('a very long message is taken in by pieces and found as one', async () => {
  const { storage, find, id } = said()
  const text = `${'lorem ipsum '.repeat(10_000)}needle ${'dolor sit '.repeat(10_000)}pin`
  const long = aMessage(id, text)
  storage.messages.add(long)
  await storage.idle()
  const hits = storage.search.find({ text: 'needle', limit: 10 }).hits
  expect(hits.map(hit => hit.messageId)).toEqual([long.id])
  expect(hits[0]!.snippet.filter(piece => piece.hit)).toEqual([{ text: 'needle', hit: true }])
  expect(storage.search.find({ text: 'pin', limit: 10 }).hits).toHaveLength(1)
  expect(find('nowhere')).toEqual([])
  // And leaves by pieces.
  storage.conversations.trash(id)
  await storage.conversations.purge(id)
  expect(storage.search.find({ text: 'needle', limit: 10 }).hits).toEqual([])
  expect(await storage.integrityCheck()).toBe('sound')
})
