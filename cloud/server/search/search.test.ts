import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Static } from 'typebox'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import type { searchRoutes } from '@fusion/shared/contract/cloud/search.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { addMessage, makeConversation, purgeConversation, trashConversation } from '../history/write.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

type Found = Static<typeof searchRoutes.search.reply>

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

const message = (conversationId: string, text: string): FinishedMessage => ({
  id: newId(),
  conversationId,
  parentId: null,
  role: 'user',
  parts: [
    { type: 'reasoning', text: 'thoughts' },
    { type: 'text', text },
  ],
  status: 'complete',
  segments: [],
  finishReason: null,
  failure: null,
  leftOut: null,
  createdAt: Date.now(),
})

async function somebody() {
  const user = await cloud.makeUser()
  const token = await cloud.signIn(user.email)
  const as = <T>(work: Parameters<typeof cloud.database.asUser<T>>[1]) => cloud.database.asUser(user.id, work)
  return {
    user,
    as,
    say: (conversation: string, ...texts: string[]) =>
      as(async tx => {
        for (const text of texts) await addMessage(tx, user.id, message(conversation, text))
      }),
    chat: async (title?: string): Promise<string> => {
      const id = newId()
      await as(tx => makeConversation(tx, user.id, { id, ...(title && { title }) }))
      return id
    },
    async find(q: string, more: Record<string, string> = {}): Promise<Found> {
      const query = new URLSearchParams({ q, ...more })
      const reply = await fetch(`${cloud.url}/v1/search?${query.toString()}`, { headers: { authorization: `Bearer ${token}` } })
      expect(reply.status).toBe(200)
      return (await reply.json()) as Found
    },
  }
}
const shown = ({ hits }: Found) => hits.map(({ snippet }) => snippet.map(({ text, hit }) => (hit ? `[${text}]` : text)).join(''))

test('messages are found by all words, by phrases, by the beginning of the last word, in every script, the newest first', async () => {
  const me = await somebody()
  const chat = await me.chat()
  await me.say(chat, 'Green tea is made of leaves.', 'Tea that is green', 'Café au lait', '我在中国学习', 'nothing of it')
  expect(shown(await me.find('green tea'))).toEqual(['[Tea] that is [green]', '[Green] [tea] is made of leaves.'])
  expect(shown(await me.find('"green tea"'))).toEqual(['[Green tea] is made of leaves.'])
  expect(shown(await me.find('lea'))).toEqual(['Green tea is made of [lea]ves.'])
  // A space says that the word is whole.
  expect(shown(await me.find('lea '))).toEqual([])
  expect(shown(await me.find('CAFE'))).toEqual(['[Café] au lait'])
  expect(shown(await me.find('中国'))).toEqual(['我在[中国]学习'])
  expect(shown(await me.find('国中'))).toEqual([])
  expect(shown(await me.find('thoughts'))).toEqual([])
  for (const q of ["'", '& | ! :* \\', '()', "tea':* | green", '"']) expect((await me.find(q)).hits.length).toBeLessThanOrEqual(2)
  expect((await me.find('tea')).hits[0]).toMatchObject({ conversationId: chat, conversationTitle: '', role: 'user', life: 'live' })
})

test('titles come before messages, and what was written since the last search is found by the next', async () => {
  const me = await somebody()
  const chat = await me.chat('Moths at night')
  await me.say(chat, 'They fly to the light: moths.')
  expect((await me.find('moths')).hits.map(({ messageId }) => messageId === null)).toEqual([true, false])
  await me.say(chat, 'More moths')
  expect(shown(await me.find('moths'))).toEqual(['[Moths] at night', 'More [moths]', 'They fly to the light: [moths].'])
})

test('pages go on where the one before ended, over titles and messages, and hold everything once', async () => {
  const me = await somebody()
  const chats = await Promise.all(Array.from({ length: 5 }, (_, index) => me.chat(`Owl number ${index}`)))
  for (const chat of chats) await me.say(chat, ...Array.from({ length: 30 }, (_, index) => `owl ${index}`))
  const seen: string[] = []
  let before: string | null = null
  do {
    const page: Found = await me.find('owl', { limit: '7', ...(before && { before }) })
    expect(page.hits.length).toBeLessThanOrEqual(7)
    seen.push(...page.hits.map(({ conversationId, messageId }) => messageId ?? conversationId))
    before = page.next
  } while (before)
  expect(seen).toHaveLength(155)
  expect(new Set(seen).size).toBe(155)
  expect(seen.slice(0, 5).toSorted()).toEqual(chats.toSorted())
})

test('what is in the trash is found and told so; what was deleted for good is not', async () => {
  const me = await somebody()
  const [trashed, purged] = [await me.chat(), await me.chat('Badgers')]
  await me.say(trashed, 'badgers dig')
  await me.say(purged, 'badgers sleep')
  expect((await me.find('badgers')).hits).toHaveLength(3)
  await me.as(async tx => {
    await trashConversation(tx, me.user.id, trashed, undefined)
    await trashConversation(tx, me.user.id, purged, undefined)
    await purgeConversation(tx, me.user.id, purged)
  })
  expect((await me.find('badgers')).hits).toMatchObject([{ conversationId: trashed, life: 'trash' }])
})

test('nobody finds the words of others, also not where a mark of theirs is the same', async () => {
  const [me, other] = [await somebody(), await somebody()]
  await other.say(await other.chat('Secret plan'), 'secret plan')
  await other.find('secret')
  expect((await me.find('secret')).hits).toEqual([])
  await me.say(await me.chat(), 'my secret')
  expect(shown(await me.find('secret'))).toEqual(['my [secret]'])
  expect((await other.find('secret')).hits).toHaveLength(2)
})

test('a message of millions of characters is found by words of its beginning, middle and end, and by words across its pieces', async () => {
  const me = await somebody()
  const chat = await me.chat()
  const filler = 'lorem ipsum dolor '.repeat(6_000)
  // Where two pieces meet.
  const edge = `${filler.slice(0, 32_700)}heron flies ${filler}`
  await me.say(chat, `begin ${filler}middle ${filler}${'y'.repeat(3_000)} end`, edge)
  for (const word of ['begin', 'middle', 'end', '"lorem ipsum"', 'y'.repeat(900)])
    expect((await me.find(word)).hits.length, word.slice(0, 20)).toBeGreaterThan(0)
  expect(shown(await me.find('"heron flies"'))[0]).toContain('[heron flies]')
})

test('searches at once while messages are written read each message in once', async () => {
  const me = await somebody()
  const chat = await me.chat()
  const writing = (async () => {
    for (let index = 0; index < 40; index++) await me.say(chat, ...Array.from({ length: 10 }, (_, at) => `heron ${index} ${at}`))
  })()
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 4 }, () => me.find('heron')))
  await writing
  let count = 0
  let before: string | null = null
  do {
    const page: Found = await me.find('heron', { limit: '100', ...(before && { before }) })
    count += page.hits.length
    before = page.next
  } while (before)
  expect(count).toBe(400)
})
