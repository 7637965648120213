import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { StorageChange } from './changes.ts'
import { aGrowingAnswer, aMessage, complete } from './testing/a-message.ts'
import { openTestStorage } from './testing/test-storage.ts'

function chat() {
  const test = openTestStorage()
  const { id } = test.storage.conversations.create({ id: newId(), title: 'Tea' })
  return { ...test, id }
}

test('an answer grows by parts, and is whole when it is finished and after a restart', () => {
  const { storage, reopen, id } = chat()
  const answer = aGrowingAnswer(id, null)
  storage.messages.begin(answer)
  storage.messages.grow(answer.id, 'reasoning', 'Hmm, ')
  storage.messages.grow(answer.id, 'text', 'Two ')
  storage.messages.grow(answer.id, 'reasoning', 'tea.')
  storage.messages.grow(answer.id, 'text', 'minutes.')
  const parts = [
    { type: 'reasoning', text: 'Hmm, tea.' },
    { type: 'text', text: 'Two minutes.' },
  ]
  expect(storage.messages.growing()).toEqual([{ ...answer, parts }])
  expect(storage.messages.finish(answer.id, complete)).toEqual({ ...answer, ...complete, parts })
  const again = reopen()
  expect(again.messages.get(answer.id)).toEqual({ ...answer, ...complete, parts })
  expect(again.messages.growing()).toEqual([])
})

test('what is known of a growing answer stays when its process dies: where it was made, what its prompt left out', () => {
  const { storage, reopen, id } = chat()
  const answer = aGrowingAnswer(id, null)
  storage.messages.begin(answer)
  storage.messages.setReport(answer.id, { segments: [], leftOut: { messages: 3, tokens: 700 } })
  storage.messages.grow(answer.id, 'text', 'Two ')
  expect(reopen().messages.growing()).toMatchObject([{ leftOut: { messages: 3, tokens: 700 } }])
})

test('messages of a clock that is centuries off are kept in the order they came, and found', () => {
  const { storage, id } = chat()
  const messages = [Date.UTC(9000, 0), Date.UTC(9000, 0), Date.UTC(-400, 0), Date.now()].map(createdAt => ({
    ...aMessage(id, 'tea'),
    createdAt,
  }))
  for (const message of messages) storage.messages.add(message)
  const ids = messages.map(message => message.id)
  expect(storage.messages.many(ids)).toEqual(messages)
  const found = storage.search.find({ text: 'tea ', limit: 10 }).hits.flatMap(hit => hit.messageId ?? [])
  expect(found).toEqual([ids[1], ids[0], ids[3], ids[2]])
})

test('an answer that goes on from an earlier one begins with its text', () => {
  const { storage, id } = chat()
  const answer = { ...aGrowingAnswer(id, null), parts: [{ type: 'text' as const, text: 'Two ' }] }
  storage.messages.begin(answer)
  storage.messages.grow(answer.id, 'text', 'minutes.')
  expect(storage.messages.finish(answer.id, complete).parts).toEqual([{ type: 'text', text: 'Two minutes.' }])
})

test('a finished message can not be changed any more', () => {
  const { storage, id } = chat()
  const question = aMessage(id, 'Which tea?')
  storage.messages.add(question)
  expect(() => storage.messages.grow(question.id, 'text', '!')).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(() => storage.messages.finish(question.id, complete)).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(() => storage.messages.setReport(question.id, complete)).toThrow(expect.objectContaining({ code: 'not-found' }))
})

test('any text comes back as it was given: lone surrogates, NUL, every script', () => {
  const { storage, id } = chat()
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }),
      (text, units) => {
        const odd = text + String.fromCharCode(...units) + '\ud83d \0 \udc00'
        const question = aMessage(id, odd)
        storage.messages.add(question)
        expect(storage.messages.get(question.id)).toEqual(question)
        const answer = aGrowingAnswer(id, null)
        storage.messages.begin(answer)
        storage.messages.grow(answer.id, 'text', odd.slice(0, 3))
        storage.messages.grow(answer.id, 'text', odd.slice(3))
        expect(storage.messages.finish(answer.id, complete).parts).toEqual([{ type: 'text', text: odd }])
      },
    ),
    { numRuns: 50 },
  )
  const title = storage.conversations.create({ id: newId(), title: 'half \ud83d' }).title
  expect(title).toBe('half \ufffd')
})

test('the path of a chat and its branches', () => {
  const { storage, id } = chat()
  const question = aMessage(id, 'Which tea?')
  const [green, black] = [aMessage(id, 'Green.', question.id), aMessage(id, 'Black.', question.id)]
  for (const message of [question, green, black]) storage.messages.add(message)
  storage.conversations.setHead(id, green.id)
  expect(storage.messages.path(storage.conversations.get(id)!.headId)).toEqual([
    { id: question.id, role: 'user' },
    { id: green.id, role: 'user', siblings: [green.id, black.id] },
  ])
  expect(storage.messages.newestLeaf(question.id)).toBe(black.id)
  expect(storage.messages.childrenOf(question.id, id)).toEqual([green.id, black.id])
  expect(storage.messages.childrenOf(null, id)).toEqual([question.id])
  expect(storage.messages.path(null)).toEqual([])
  expect(storage.messages.many([black.id, newId(), question.id])).toEqual([black, question])
})

test('what is refused changes nothing', () => {
  const { storage, id } = chat()
  const unknownChat = aMessage(newId(), 'hello')
  expect(() => storage.messages.add(unknownChat)).toThrow(expect.objectContaining({ code: 'not-found' }))
  const bad = { ...aMessage(id, 'hello'), role: 'robot' as 'user' }
  expect(() => storage.messages.add(bad)).toThrow(expect.objectContaining({ code: 'bad-input' }))
  const told: StorageChange[] = []
  storage.onChange(change => told.push(change))
  expect(() =>
    storage.atomically(() => {
      storage.messages.add(aMessage(id, 'kept?'))
      storage.conversations.rename(id, 'No')
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(storage.messages.childrenOf(null, id)).toEqual([])
  expect(storage.conversations.get(id)!.title).toBe('Tea')
  expect(told).toEqual([])
})

test('changes are told after they are on disk, in order', () => {
  const { storage, id } = chat()
  const told: StorageChange[] = []
  const question = aMessage(id, 'Which tea?')
  storage.onChange(change => {
    expect(storage.messages.get(question.id)).toEqual(question)
    told.push(change)
  })
  storage.atomically(() => {
    storage.messages.add(question)
    storage.conversations.setHead(id, question.id)
    expect(told).toEqual([])
  })
  expect(told.map(change => change.type)).toEqual(['message-changed', 'conversation-changed', 'path-changed', 'conversation-changed'])
})

test('a row that can not be read hides no other, is counted, and is said', async () => {
  const { folder, storage, reopen, id } = chat()
  const messages = [aMessage(id, 'one'), aMessage(id, 'two'), aMessage(id, 'three')]
  for (const message of messages) storage.messages.add(message)
  const other = storage.conversations.create({ id: newId(), title: 'Coffee' })
  storage.close()
  const { default: Database } = await import('better-sqlite3')
  const sqlite = new Database(`${folder}/fusion.db`)
  sqlite.prepare(`update msg set body = 'nonsense' where id = ?`).run(messages[1]!.id)
  sqlite.prepare(`update conv set sampling = '{"temperature":900}' where id = ?`).run(other.id)
  sqlite.close()
  const again = reopen()
  expect(again.messages.many(messages.map(message => message.id))).toEqual([messages[0], messages[2]])
  expect(again.conversations.all().map(({ id }) => id)).toEqual([id])
  expect(again.messages.many(messages.map(message => message.id))).toHaveLength(2)
  const notices = again.notices()
  expect(notices).toMatchObject([{ failure: { code: 'row-unreadable', detail: { count: 2 } } }])
  again.dismissNotice(notices[0]!.id)
  expect(again.notices()).toEqual([])
})
