import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { foldText } from '@fusion/shared/search/segment-text.ts'
import { aGrowingAnswer, aMessage, complete } from './testing/a-message.ts'
import { openTestStorage } from './testing/test-storage.ts'

// Words of several scripts that stand in no other chat. Each chat of the test draws more from a generator of its own.
const SECRETS = ['Zwetschgenknödel', 'quokkafarm', '蝙蝠侠传奇', 'さくらんぼ', 'กุหลาบขาว', 'فراشةزرقاء', 'Щелкунчик']

/** A generator of its own for each chat, so that their words differ and a failing run can be repeated. */
function wordsFrom(seed: number): () => string {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return () => Array.from({ length: 5 + next(3) }, () => 'bdfgklmnprstvz'[next(14)]! + 'aeiou'[next(5)]!).join('')
}

/** Of the words, those that a file of the folder holds, as they are written or as the search index holds them. */
function wordsIn(folder: string, words: Iterable<string>): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const texts = files.map(entry => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
  const latin1 = (word: string) => Buffer.from(word, 'utf8').toString('latin1')
  return Array.from(words).filter(word => texts.some(text => text.includes(latin1(word)) || text.includes(latin1(foldText(word)))))
}

test('after a purge no file of the data folder holds a word of the chat', { timeout: 120_000 }, async () => {
  const { folder, storage, reopen } = openTestStorage()
  const common = wordsFrom(1)
  const shared = Array.from({ length: 500 }, common)
  const secret = new Set(SECRETS)
  // Forty chats side by side, so that pages are shared, split and merged; every tenth will be purged.
  const chats = Array.from({ length: 40 }, (_, index) => ({
    ...storage.conversations.create({ id: newId(), title: `Chat ${index}` }),
    word: wordsFrom(1000 + index),
    purged: index % 10 === 3,
    last: null as string | null,
  }))
  for (let round = 0; round < 15; round++) {
    for (const chat of chats) {
      const own = Array.from({ length: 5 }, chat.word)
      if (chat.purged) for (const word of own) secret.add(word)
      const text = [...own, ...shared.slice(round * 10, round * 10 + 40), ...(chat.purged ? SECRETS : [])].join(' ')
      if (round % 2 === 0) {
        const question = aMessage(chat.id, text, chat.last)
        storage.messages.add(question)
        chat.last = question.id
      } else {
        const answer = aGrowingAnswer(chat.id, chat.last)
        storage.messages.begin(answer)
        for (let at = 0; at < text.length; at += 120) storage.messages.grow(answer.id, 'text', text.slice(at, at + 120))
        // The last answer is left growing, as by a crash.
        if (round !== 13) storage.messages.finish(answer.id, complete)
        chat.last = answer.id
      }
    }
  }
  const doomed = chats.filter(chat => chat.purged)
  for (const chat of doomed) {
    const words = Array.from({ length: 4 }, chat.word)
    for (const word of words) secret.add(word)
    storage.conversations.rename(chat.id, `${words[0]} ${SECRETS.join(' ')}`)
    storage.conversations.rename(chat.id, `${words[1]}`)
    storage.conversations.setSettings(chat.id, { systemPrompt: `Always say ${words[2]}` })
    const attachment = storage.attachments.add(`${words[3]}.txt`, `${SECRETS.join('\n')} ${words[3]}`.repeat(300))
    storage.messages.add({ ...aMessage(chat.id, 'see this', chat.last), parts: [attachment] })
    storage.drafts.set(chat.id, { text: `not yet ${SECRETS.join(' ')}`, attachments: [attachment] })
    storage.states.put({ conversationId: chat.id, modelId: 'm', file: `${chat.id}.state`, bytes: 9, tokens: 1, usedAt: 1 })
    mkdirSync(join(folder, 'states'), { recursive: true })
    writeFileSync(join(folder, 'states', `${chat.id}.state`), SECRETS.join())
  }
  // A snapshot, as a migration leaves it.
  storage.close()
  mkdirSync(join(folder, 'snapshots'))
  copyFileSync(join(folder, 'fusion.db'), join(folder, 'snapshots', 'before-0002-x.db'))
  const again = reopen()
  // Nearly all: a few are cut in two by the edge of a page.
  expect(wordsIn(folder, secret).length).toBeGreaterThan(secret.size * 0.95)

  for (const chat of doomed) {
    again.conversations.trash(chat.id)
    await again.conversations.purge(chat.id)
  }
  expect(wordsIn(folder, secret)).toEqual([])
  expect(doomed.map(chat => again.conversations.get(chat.id))).toEqual(doomed.map(() => undefined))
  expect(again.search.find({ text: SECRETS[2]!, limit: 10 }).hits).toEqual([])
  // The others are all there, in the database and in the index.
  for (const chat of chats.filter(chat => !chat.purged)) {
    expect(again.messages.path(chat.last)).toHaveLength(15)
  }
  expect(again.search.find({ text: shared[0]!, limit: 100 }).hits.length).toBeGreaterThan(30)
  expect(await again.integrityCheck()).toBe('sound')
})

test('only a chat in the trash can be purged', async () => {
  const { storage } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'Here' })
  await expect(storage.conversations.purge(id)).rejects.toMatchObject({ code: 'not-in-trash' })
  await expect(storage.conversations.purge(newId())).rejects.toMatchObject({ code: 'not-found' })
  expect(storage.conversations.get(id)).toBeDefined()
})

test('a purge that was cut short goes on at the next start', async () => {
  const { folder, storage, reopen } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'Zwetschgenknödel' })
  for (let count = 0; count < 50; count++) storage.messages.add(aMessage(id, `quokkafarm ${count}`))
  storage.conversations.trash(id)
  const cut = storage.conversations.purge(id)
  storage.close()
  await expect(cut).rejects.toThrow()
  expect(wordsIn(folder, ['quokkafarm'])).toEqual(['quokkafarm'])
  const again = reopen()
  expect(again.conversations.all()).toEqual([])
  await again.idle()
  expect(wordsIn(folder, ['quokkafarm', 'Zwetschgenknödel'])).toEqual([])
})

test('an attachment stays as long as a message or a draft of any chat names it', async () => {
  const { storage } = openTestStorage()
  const [one, other] = ['One', 'Other'].map(title => storage.conversations.create({ id: newId(), title }))
  const attachment = storage.attachments.add('notes.txt', 'shared notes')
  for (const chat of [one!, other!]) storage.messages.add({ ...aMessage(chat.id, ''), parts: [attachment] })
  storage.conversations.trash(one!.id)
  await storage.conversations.purge(one!.id)
  expect(storage.attachments.read(attachment.hash)).toBe('shared notes')
  storage.conversations.trash(other!.id)
  await storage.conversations.purge(other!.id)
  expect(storage.attachments.read(attachment.hash)).toBeUndefined()
})

test('chats purged at the same time leave together, those of a later moment after them', async () => {
  const { folder, storage } = openTestStorage()
  const chats = ['quokkafarm', 'Zwetschgenknödel', 'Schnurrhaarfee'].map(word => {
    const { id } = storage.conversations.create({ id: newId(), title: word })
    for (let count = 0; count < 5; count++) storage.messages.add(aMessage(id, `${word} ${count}`))
    storage.conversations.trash(id)
    return { id, word }
  })
  const [first, second, third] = chats
  const together = [first!, second!].map(({ id }) => storage.conversations.purge(id))
  await new Promise(resolve => setImmediate(resolve))
  await Promise.all([...together, storage.conversations.purge(third!.id)])
  expect(
    wordsIn(
      folder,
      chats.map(({ word }) => word),
    ),
  ).toEqual([])
  expect(await storage.integrityCheck()).toBe('sound')
})
